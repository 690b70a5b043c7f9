import assert from "node:assert/strict";
import test from "node:test";
import { mayHelpAgain, Problem, refused, unanswered } from "./problem.ts";

test("a problem document keeps its field and correlation id", () => {
  const problem = refused(422, { detail: "no such name", field: "rule", correlation_id: "abc" }, null);
  assert.equal(problem.kind, "invalid");
  assert.equal(problem.message, "no such name");
  assert.equal(problem.field, "rule");
  assert.equal(problem.correlationId, "abc");
});

test("an answer that is no document is still a problem", () => {
  assert.equal(refused(500, "<html>", null).kind, "broken");
  assert.equal(refused(418, null, null).kind, "broken");
});

test("somebody was faster only where the refusal says so", () => {
  const kind = (status: number, document: object) => refused(status, document, null).kind;
  assert.equal(kind(412, { current: {} }), "conflict");
  assert.equal(kind(409, { field: "last_seen_message_id", new_messages: [] }), "conflict");
  assert.equal(kind(409, { agent_id: "b" }), "conflict");
  assert.equal(kind(409, { agent_id: "b", load: 3, capacity: 3 }), "not-now");
  assert.equal(kind(409, { detail: "the tickets are not known to be of one customer" }), "not-now");
  assert.equal(kind(409, { reason: "customer_erased" }), "not-now");
});

test("the time to wait is read where it is a number", () => {
  assert.equal(refused(429, {}, "7").retryAfterSecs, 7);
  assert.equal(refused(429, {}, "soon").retryAfterSecs, null);
});

test("no answer is away, a late one slow, and only those are tried again", () => {
  const away = unanswered(new TypeError("fetch failed")) as Problem;
  assert.equal(away.kind, "away");
  assert.ok(mayHelpAgain(away));
  assert.equal((unanswered(new DOMException("", "TimeoutError")) as Problem).kind, "slow");
  assert.ok(!mayHelpAgain(new Problem("forbidden", "")));
});
