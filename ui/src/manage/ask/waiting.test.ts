import assert from "node:assert/strict";
import test from "node:test";
import type { Job } from "../../api/shapes.ts";
import { isLost, waitsFor } from "./waiting.ts";

const NOW = Date.parse("2026-11-28T12:00:00Z");
const job = (over: Partial<Job>) =>
  ({ state: "ready", run_at: "2026-11-28T12:00:00Z", waits_for_slot: false, ...over }) as Job;

test("it is said what stands before the question", () => {
  assert.equal(waitsFor(job({}), NOW), "It is next.");
  assert.equal(waitsFor(job({ queue_position: 1 }), NOW), "One job stands before it.");
  assert.equal(waitsFor(job({ queue_position: 1_200 }), NOW), "1,200 jobs stand before it.");
  assert.match(waitsFor(job({ waits_for_slot: true }), NOW), /Others’ questions/);
});

test("a wait for the model is named with its end", () => {
  const busy = job({ state: "scheduled", run_at: "2026-11-28T12:00:12Z", error: { class: "upstream_busy" } });
  assert.equal(waitsFor(busy, NOW), "The model has too much to do. It goes on in 12 s.");
  assert.match(waitsFor({ ...busy, run_at: "2026-11-28T11:59:00Z" }, NOW), /goes on now/);
  const strange = job({ state: "retrying", error: { class: "some_thing" } });
  assert.match(waitsFor(strange, NOW), /^Some thing\./);
});

test("progress is said in the job's own words", () => {
  const running = (progress: unknown) => waitsFor(job({ state: "running", progress }), NOW);
  assert.equal(running(null), "Looking things up.");
  assert.equal(running({ done: 1, total: 6, message: "asking the model" }), "Asking the model (round 1 of 6 at most).");
  assert.equal(running({ message: "looking things up: analyze_customers" }), "Looking things up: analyze customers.");
  assert.equal(waitsFor(job({ state: "running", cancel_reason: "x" }), NOW), "It is being stopped.");
});

test("an answer that has not come for long is given up", () => {
  assert.ok(!isLost("2026-11-28T11:50:00Z", NOW));
  assert.ok(isLost("2026-11-28T11:40:00Z", NOW));
});
