// What went wrong with a request, in the few kinds that a person can do something about.

export type Kind =
  | "away"
  | "slow"
  | "signed-out"
  | "forbidden"
  | "gone"
  | "conflict"
  | "not-now"
  | "invalid"
  | "too-many"
  | "broken";

const KINDS: Record<number, Kind> = {
  400: "invalid",
  401: "signed-out",
  403: "forbidden",
  404: "gone",
  408: "slow",
  409: "not-now",
  412: "conflict",
  413: "invalid",
  422: "invalid",
  429: "too-many",
  502: "away",
  503: "away",
  504: "slow",
};

export class Problem extends Error {
  readonly kind: Kind;
  readonly status: number;
  readonly field: string | null;
  readonly correlationId: string | null;
  /** Seconds after which another attempt makes sense, when the API says so. */
  readonly retryAfterSecs: number | null;
  /** The document, with what else it says. */
  readonly document: Record<string, unknown>;

  constructor(kind: Kind, detail: string, rest: Partial<Omit<Problem, "kind" | "name" | "message">> = {}) {
    super(detail);
    this.name = "Problem";
    this.kind = kind;
    this.status = rest.status ?? 0;
    this.field = rest.field ?? null;
    this.correlationId = rest.correlationId ?? null;
    this.retryAfterSecs = rest.retryAfterSecs ?? null;
    this.document = rest.document ?? {};
  }
}

/** A refusal of the API: its problem document when it sent one. */
export function refused(status: number, body: unknown, retryAfter: string | null): Problem {
  const document = isRecord(body) ? body : {};
  const text = (name: string) => (typeof document[name] === "string" ? (document[name] as string) : null);
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new Problem(kindOf(status, document), text("detail") ?? text("title") ?? "", {
    status,
    field: text("field"),
    correlationId: text("correlation_id"),
    retryAfterSecs: Number.isFinite(seconds) ? seconds : null,
    document,
  });
}

/** A 409 says that the state does not allow it; that somebody else was faster only where it names who or what came between. */
function kindOf(status: number, document: Record<string, unknown>): Kind {
  const isUnseen = document.field === "last_seen_message_id";
  const isTaken = typeof document.agent_id === "string" && !("load" in document);
  if (status === 409 && (isUnseen || isTaken)) return "conflict";
  return KINDS[status] ?? "broken";
}

/** What a failed fetch means: no answer in time, or none at all. */
export function unanswered(error: unknown): unknown {
  if (error instanceof Problem) return error;
  if (error instanceof DOMException && error.name === "TimeoutError") return new Problem("slow", "");
  if (error instanceof TypeError) return new Problem("away", "");
  return error;
}

/** Reads may be tried again where time may help. */
export function mayHelpAgain(error: unknown): boolean {
  return error instanceof Problem && (error.kind === "away" || error.kind === "slow");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
