import assert from "node:assert/strict";
import test from "node:test";
import { reached } from "./progress.ts";

test("of a job that succeeded everything is done, and of another what it told", () => {
  const told = { done: 2, total: 9, message: "tickets" };
  assert.deepEqual(reached("done", told), { done: 9, total: 9 });
  for (const state of ["running", "dead", "cancelled"]) assert.deepEqual(reached(state, told), told);
  assert.deepEqual(reached("done", { done: 40, message: "rows" }), { done: 40, message: "rows" });
});
