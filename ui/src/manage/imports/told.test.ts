import assert from "node:assert/strict";
import test from "node:test";
import { Problem, refused } from "../../api/problem.ts";
import { askedOf, columnsOf, lacking } from "./told.ts";

type Preview = NonNullable<Parameters<typeof columnsOf>[0]>;

const reason = (message: string) => ({ reason: "x", rows: 1, line: 2, column: null, message });
const preview = (columns: Preview["columns"], rest: Partial<Preview> = {}) =>
  ({ columns, left_out: [], remarks: [], problem: null, ...rest }) as unknown as Preview;
const missing = refused(
  422,
  { detail: "no column", missing: ["order_id", "new_thing"], columns: ["a", "b", "a", ""] },
  null,
);

test("columns have what they mean, each meaning once, and such as a mapping cannot name are left out", () => {
  const columns = [
    { name: "Nr", meaning: "order_id", role: "read" },
    { name: "Status", meaning: "status", role: "read" },
    { name: "Zahlung", meaning: "status", role: "read" },
    { name: "Nr 2", meaning: "order_id", role: "doubled" },
    { name: "Lager", meaning: null, role: "unknown" },
    { name: "", meaning: null, role: "unnamed" },
    { name: "zwei", meaning: null, role: "unknown" },
    { name: "zwei", meaning: null, role: "unknown" },
  ];
  assert.deepEqual(columnsOf(preview(columns), null), [
    { name: "Nr", meaning: "order_id" },
    { name: "Status", meaning: "status" },
    { name: "Zahlung", meaning: null },
    { name: "Nr 2", meaning: null },
    { name: "Lager", meaning: null },
  ]);
});

test("a refusal tells of columns and of what is missing, any other error of nothing", () => {
  assert.deepEqual(columnsOf(undefined, missing), [{ name: "b", meaning: null }]);
  assert.deepEqual(lacking(missing), ["order’s number", "new thing"]);
  for (const error of [null, new Error("x"), new Problem("away", ""), refused(422, { detail: "no table" }, null)]) {
    assert.equal(columnsOf(undefined, error), null);
    assert.equal(lacking(error), null);
  }
});

test("what is open is asked for by the sentences, and by the field of a refusal", () => {
  const open = preview([], { left_out: [reason("may be either; state `dates`")], problem: "x; state `decimal`" });
  assert.deepEqual([...askedOf(open, null)], ["decimal", "dates"]);
  const ask = (field: string) => refused(422, { detail: "several sheets", field }, null);
  assert.deepEqual([...askedOf(undefined, ask("sheet"))], ["sheet"]);
  assert.deepEqual([...askedOf(undefined, ask("body"))], []);
  assert.deepEqual([...askedOf(undefined, missing)], []);
});
