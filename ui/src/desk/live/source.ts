// The connection that events come by: after a cut it goes on from the last number, `reset` asks for everything anew, and
// after a refusal the session is renewed and it begins again by itself. It runs in the worker that all tabs share, or in
// the tab where there is no such worker.

import { withSession } from "../../api/renew.ts";
import type { DeskEvent } from "../shapes.ts";

export type Link = { state: "live" | "catching-up" | "stale"; since: number };
export type Told = { kind: "event"; event: DeskEvent } | { kind: "reload" };
export type Hear = { told: (told: Told) => void; link: (link: Link) => void };

/** Every kind that the server tells of; what is not here is not heard. */
export const TOPICS = [
  "new_ticket",
  "ticket_update",
  "reply_sent",
  "reply_failed",
  "ticket_rated",
  "sla_warning",
  "sla_breach",
  "agent_status",
  "waiting_queue",
  "rule_notice",
  "rule_invalid",
  "rule_switched_off",
  "mail_suspended",
  "job_done",
  "typing",
  "viewing",
];

/** After so long without a connection what is shown is called stale. */
const STALE_MS = 8_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;
/** A number that is refused so often in a row is of no use: another tenant's, or one that the server does not know. */
const REFUSALS = 2;
/** Who leaves the desk may be on the way to another screen of it; and a desk that is being opened says so itself. */
const CALM_MS = 2_000;

export class Source {
  link: Link = { state: "catching-up", since: Date.now() };
  private stream: EventSource | undefined;
  /** Heard until the stream that was opened after them stands. */
  private readonly before = new Set<EventSource>();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private grow: ReturnType<typeof setTimeout> | undefined;
  private last: string | null = null;
  private failures = 0;
  private isOn = false;
  /** Whether somebody is at the desk, so that tickets may be given to them; elsewhere in the app one only listens. */
  private isThere = false;
  private isKnownAsThere = false;
  private settle: ReturnType<typeof setTimeout> | undefined;
  private readonly hear: Hear;

  constructor(hear: Hear) {
    this.hear = hear;
  }

  /** Begins, or goes on as one who is there or is not. */
  start(isThere: boolean) {
    if (this.isOn && isThere === this.isThere) return;
    this.isOn = true;
    this.isThere = isThere;
    clearTimeout(this.settle);
    if (!isThere) this.settle = setTimeout(() => this.connect(), CALM_MS);
    else if (!this.isKnownAsThere) this.connect();
  }

  /** What happens from now on is loaded anew the next time. */
  stop() {
    this.isOn = false;
    this.isThere = false;
    this.isKnownAsThere = false;
    clearTimeout(this.settle);
    clearTimeout(this.retry);
    clearTimeout(this.grow);
    this.closeBefore();
    this.stream?.close();
    this.stream = undefined;
    this.last = null;
    this.failures = 0;
    this.link = { state: "catching-up", since: Date.now() };
  }

  private connect() {
    clearTimeout(this.settle);
    clearTimeout(this.retry);
    // Closed now, what happens until the next one stands would be told by neither: without a number nobody asks for it.
    if (this.stream) this.before.add(this.stream);
    this.isKnownAsThere = this.isThere;
    const opened = new EventSource(addressOf(this.isThere, this.last));
    this.stream = opened;
    opened.onopen = () => {
      if (this.stream !== opened) return;
      this.closeBefore();
      this.failures = 0;
      this.become("live");
      // Without a number nothing is known of the time before: load after the subscription stands.
      if (this.last === null) this.hear.told({ kind: "reload" });
    };
    for (const topic of TOPICS) {
      opened.addEventListener(topic, (message) => {
        const event = parse(message.data);
        if (!event) return;
        if (message.lastEventId) this.last = message.lastEventId;
        this.hear.told({ kind: "event", event });
      });
    }
    opened.addEventListener("reset", (message) => {
      const id = (JSON.parse(message.data) as { id?: number }).id;
      this.last = id === undefined ? null : String(id);
      this.hear.told({ kind: "reload" });
    });
    // The server ends it: too slow, restarting, or the session is over. It says from where to go on by the last number.
    opened.addEventListener("end", () => this.again(opened));
    opened.onerror = () => {
      if (this.stream !== opened) return;
      this.become("catching-up");
      // A refusal closes it for good, and then the browser does not try again by itself.
      if (opened.readyState === EventSource.CLOSED) this.again(opened);
    };
  }

  private again(failed: EventSource) {
    if (this.stream !== failed) return;
    failed.close();
    this.become("catching-up");
    this.failures += 1;
    if (this.failures > REFUSALS) this.last = null;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.failures, LONGEST_WAIT_MS) * (0.5 + Math.random());
    clearTimeout(this.retry);
    this.retry = setTimeout(() => {
      // The stream cannot renew a session by itself; a request can.
      void withSession(() => fetch("/api/auth/session"))
        .catch(() => undefined)
        .then(() => {
          if (this.isOn) this.connect();
        });
    }, wait);
  }

  private closeBefore() {
    for (const stream of this.before) stream.close();
    this.before.clear();
  }

  private become(state: Link["state"]) {
    if (state === this.link.state || (state === "catching-up" && this.link.state === "stale")) return;
    this.link = { state, since: Date.now() };
    clearTimeout(this.grow);
    if (state === "catching-up") this.grow = setTimeout(() => this.become("stale"), STALE_MS);
    this.hear.link(this.link);
  }
}

function addressOf(isThere: boolean, last: string | null): string {
  const asked = [...(isThere ? [] : ["there=false"]), ...(last === null ? [] : [`after=${last}`])];
  return asked.length > 0 ? `/api/events?${asked.join("&")}` : "/api/events";
}

function parse(text: string): DeskEvent | null {
  try {
    return JSON.parse(text) as DeskEvent;
  } catch {
    return null;
  }
}
