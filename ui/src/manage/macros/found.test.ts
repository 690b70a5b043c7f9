import assert from "node:assert/strict";
import test from "node:test";
import { byName } from "./found.ts";

const found = (...names: string[]) => names.map((name) => ({ name }));

test("the macro that is called so comes first, then names that begin so, then the others as they were", () => {
  const all = found("A late refund", "Refund", "Money back", "Refund in part", "refund, abroad");
  const sorted = ["Refund", "Refund in part", "refund, abroad", "A late refund", "Money back"];
  assert.deepEqual(byName(all, " refund "), found(...sorted));
  assert.deepEqual(byName(found("Refund in part", "REFUND"), "Refund"), found("REFUND", "Refund in part"));
});

test("without words nothing is moved", () => {
  const all = found("b", "a");
  assert.deepEqual(byName(all, ""), all);
  assert.deepEqual(byName(all, "  "), all);
});
