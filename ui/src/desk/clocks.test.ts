import assert from "node:assert/strict";
import test from "node:test";
import { due, dueOf, standing } from "./clocks.ts";
import type { Clock, Ticket } from "./shapes.ts";

const NOW = Date.parse("2026-11-28T12:00:00Z");
const ticket = (rest: Partial<Ticket>) => ({ status: "open", ...rest }) as Ticket;

test("a time that has passed is overdue, whatever the server said before", () => {
  assert.deepEqual(due("2026-11-28T11:30:00Z", "within_sla", NOW), { tone: "bad", text: "Overdue by 30 min" });
  assert.deepEqual(due("2026-11-28T12:00:20Z", "at_risk", NOW), { tone: "warn", text: "Due now" });
  assert.deepEqual(due("2026-11-28T11:59:40Z", "breached", NOW), { tone: "bad", text: "Just overdue" });
  assert.deepEqual(due("2026-11-28T14:05:00Z", "within_sla", NOW), { tone: "good", text: "Due in 2 h 5 min" });
});

test("a row speaks of what matters most", () => {
  assert.equal(dueOf(ticket({ status: "closed", sla_due_at: "2026-11-28T11:00:00Z" }), NOW).text, "Closed");
  assert.equal(dueOf(ticket({ snoozed_until: "2026-11-28T15:00:00Z" }), NOW).text, "Sleeps for 3 h");
  assert.equal(dueOf(ticket({ waiting_since: "2026-11-28T10:00:00Z" }), NOW).text, "Has waited for 2 h");
  assert.equal(dueOf(ticket({ status: "pending" }), NOW).text, "Waits for the customer");
});

test("a clock is met when its answer has left, and not while that waits", () => {
  const at = "2026-11-28T11:59:55.123456+00:00";
  const clock = { kind: "first_response", state: "ended", due_at: null, verdict: "met", ended_at: at } as Clock;
  const reply = { sent_at: "2026-11-28T11:59:55.123456Z", not_sent_because: null };
  assert.equal(standing(clock, NOW, [reply]).text, "The answer is on its way");
  assert.equal(standing(clock, NOW, [{ ...reply, not_sent_because: "no_mailbox" }]).tone, "warn");
  assert.equal(standing(clock, NOW, [{ ...reply, sent_at: "2026-11-28T11:58:00Z" }]).text, "In time");
  assert.equal(standing({ ...clock, kind: "resolution" }, NOW, [reply]).text, "In time");
  assert.equal(standing({ ...clock, verdict: "missed" }, NOW, [reply]).text, "Too late");
  assert.equal(standing(clock, NOW).text, "In time");
});

test("clocks end in a word", () => {
  const clock = { state: "running", due_at: null, verdict: null, ended_at: null, standing: null } as Clock;
  assert.equal(standing({ ...clock, verdict: "missed" }, NOW).text, "Too late");
  assert.equal(standing(clock, NOW).text, "Stands still");
});
