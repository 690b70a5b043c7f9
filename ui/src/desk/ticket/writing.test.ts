import assert from "node:assert/strict";
import test from "node:test";
import { writing } from "./writing.ts";

type Job = Parameters<typeof writing>[1];

const job = (state: string, more: Record<string, unknown> = {}) => ({ state, ...more }) as unknown as Job;

test("a draft is being written until its job is over", () => {
  assert.deepEqual(writing(false, undefined, false), { isWriting: false, why: null });
  for (const known of [undefined, job("ready"), job("running"), job("retrying")]) {
    assert.deepEqual(writing(true, known, false), { isWriting: true, why: null });
  }
  assert.deepEqual(writing(true, job("done"), false), { isWriting: false, why: null });
});

test("a job that wrote none says why, and is waited for no longer", () => {
  const closed = job("cancelled", { cancel_reason: "no draft is written: the ticket is closed" });
  assert.deepEqual(writing(true, closed, false), { isWriting: false, why: "the ticket is closed" });
  assert.deepEqual(writing(true, job("cancelled"), false), { isWriting: false, why: "it was cancelled" });
  const dead = job("dead", { error: { message: "the help desk refused the key" } });
  assert.deepEqual(writing(true, dead, false), { isWriting: false, why: "the help desk refused the key" });
  assert.deepEqual(writing(true, job("dead"), false), { isWriting: false, why: "it failed" });
});

test("a job that cannot be looked at is not waited for", () => {
  assert.deepEqual(writing(true, undefined, true), { isWriting: false, why: null });
});
