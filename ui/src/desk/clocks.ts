// Clocks in words. The server says when something is due; how it stands now is read from that and from the time.

import { duration } from "../parts/format.ts";
import type { Tone } from "../parts/State.tsx";
import type { Clock, Message, Ticket } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

export type Told = { tone: Tone; text: string };

const KINDS: Record<string, string> = {
  first_response: "First answer",
  next_response: "Next answer",
  resolution: "Solution",
  first_resolution: "First solution",
};

const RESPONSES = new Set(["first_response", "next_response"]);

export function clockName(kind: string): string {
  return KINDS[kind] ?? kind;
}

/** What a row says of its most urgent clock, or of who waits. */
export function dueOf(ticket: Ticket, now: number): Told {
  if (ticket.status === "resolved" || ticket.status === "closed") {
    return { tone: "none", text: ticket.status === "closed" ? "Closed" : "Resolved" };
  }
  if (ticket.snoozed_until) return { tone: "none", text: `Sleeps for ${span(ticket.snoozed_until, now)}` };
  if (ticket.sla_due_at) return due(ticket.sla_due_at, ticket.sla_state ?? null, now);
  if (ticket.waiting_since) return { tone: "calm", text: `Has waited for ${span(ticket.waiting_since, now)}` };
  return { tone: "none", text: ticket.status === "pending" ? "Waits for the customer" : "Nobody waits" };
}

/** A reply that has not left: it was written at the moment at which it ended its clock. */
export type Waiting = Pick<Message, "sent_at" | "not_sent_because">;

/** One clock of a ticket. What is met by a reply that can still be taken back, or has no way to leave, is not called met. */
export function standing(clock: Clock, now: number, waiting: Waiting[] = []): Told {
  if (clock.verdict === "met") {
    const reply = clock.ended_at && RESPONSES.has(clock.kind) ? endedBy(clock.ended_at, waiting) : undefined;
    if (!reply) return { tone: "good", text: "In time" };
    return reply.not_sent_because
      ? { tone: "warn", text: TEXTS.answerStays }
      : { tone: "calm", text: TEXTS.answerLeaves };
  }
  if (clock.verdict === "missed") return { tone: "bad", text: "Too late" };
  if (clock.verdict === "cancelled") return { tone: "none", text: "No longer needed" };
  if (clock.ended_at) return { tone: "none", text: "Ended" };
  if (clock.state === "paused" || !clock.due_at) return { tone: "none", text: "Stands still" };
  return due(clock.due_at, clock.standing, now);
}

export function due(at: string, state: string | null, now: number): Told {
  const left = Date.parse(at) - now;
  const isNow = Math.abs(left) < 60_000;
  if (left < 0) return { tone: "bad", text: isNow ? "Just overdue" : `Overdue by ${span(at, now)}` };
  return {
    tone: state === "at_risk" || state === "breached" ? "warn" : "good",
    text: isNow ? "Due now" : `Due in ${span(at, now)}`,
  };
}

function endedBy(at: string, waiting: Waiting[]): Waiting | undefined {
  return waiting.find((reply) => Date.parse(reply.sent_at) === Date.parse(at));
}

function span(at: string, now: number): string {
  const secs = Math.abs(Date.parse(at) - now) / 1000;
  return secs < 60 ? "less than a minute" : duration(Math.floor(secs / 60) * 60);
}
