import assert from "node:assert/strict";
import test from "node:test";
import { policyOf, typed } from "./form.ts";

const POLICY = { monthly_micros: 25_500_000, warn_percent: 80, rounds: 6, smallest_group: 5 };

test("what is shown is what is saved", () => {
  assert.equal(typed(POLICY).dollars, 25.5);
  assert.deepEqual(policyOf(typed(POLICY)), POLICY);
  const open = { ...POLICY, monthly_micros: null };
  assert.deepEqual(policyOf(typed(open)), open);
});

test("a limit of nothing is a limit, and cents are kept", () => {
  assert.deepEqual(policyOf({ ...typed(POLICY), dollars: 0 }), { ...POLICY, monthly_micros: 0 });
  assert.deepEqual(policyOf({ ...typed(POLICY), dollars: "0.1" }), { ...POLICY, monthly_micros: 100_000 });
});

test("an empty field is named", () => {
  assert.deepEqual(policyOf({ ...typed(POLICY), rounds: "" }), { missing: "rounds" });
  assert.deepEqual(policyOf({ ...typed(POLICY), dollars: "" }), { missing: "dollars" });
  assert.deepEqual(policyOf({ ...typed(POLICY), hasLimit: false, dollars: "" }), { ...POLICY, monthly_micros: null });
});
