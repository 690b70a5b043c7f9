// The one way to the API. Types come from its own description (src/api.d.ts).

import createClient from "openapi-fetch";
import type { paths } from "../api.d.ts";
import { refused, unanswered } from "./problem.ts";
import { withSession } from "./renew.ts";
import { type Sending, sent } from "./sending.ts";

const PATIENCE_MS = 20_000;

async function patient(request: Request): Promise<Response> {
  try {
    return await withSession(() => fetch(request.clone(), { signal: withPatience(request.signal) }));
  } catch (error) {
    throw unanswered(error);
  }
}

function withPatience(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
}

export const client = createClient<paths>({ baseUrl: window.location.origin, fetch: patient });

type Call = Promise<{ data?: unknown; error?: unknown; response: Response }>;

/** The body of an answer; throws a Problem when it is a refusal. */
export async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw refused(response.status, error, response.headers.get("retry-after"));
  return data as T;
}

/** The same where the API's description leaves the shape open; the shapes are in shapes.ts. */
export function answerAs<T>(call: Call): Promise<T> {
  return answer(call) as Promise<T>;
}

/** A request with a body that is no JSON: an upload. It may take as long as its lines, and tells how far it is. */
export function upload<T>(path: string, body: Blob, type: string, sending: Sending = {}): Promise<T> {
  return plainly(() => sent(path, body, type, sending));
}

/** A document that a protocol describes, and the API's own description therefore not. */
export function documentAt<T>(path: string, signal: AbortSignal): Promise<T> {
  return plainly(() => fetch(path, { headers: { Accept: "application/json" }, signal: withPatience(signal) }));
}

async function plainly<T>(send: () => Promise<Response>): Promise<T> {
  try {
    const response = await withSession(send);
    const json = await response.json().catch(() => null);
    if (!response.ok) throw refused(response.status, json, response.headers.get("retry-after"));
    return json as T;
  } catch (error) {
    throw unanswered(error);
  }
}
