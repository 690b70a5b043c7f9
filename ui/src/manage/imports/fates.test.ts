import assert from "node:assert/strict";
import test from "node:test";
import { fateOf, fileName, nameOf } from "./fates.ts";

test("an import that was taken back is known, one whose taking back failed is not", () => {
  const undo = (state: string, id: string) => ({ state, payload: { import_id: id } });
  const fates = fateOf([
    undo("done", "a"),
    undo("running", "b"),
    undo("dead", "c"),
    undo("cancelled", "d"),
    undo("retrying", "e"),
    undo("dead", "e"),
    undo("ready", "a"),
    { state: "done" },
    { state: "done", payload: null },
  ]);
  assert.deepEqual(Object.fromEntries(fates), { a: "taken_back", b: "being_taken_back", e: "being_taken_back" });
});

test("a file of the folder has its name, and one that was sent has none of its own", () => {
  assert.equal(fileName({ path: "orders/2026-11.csv" }), "2026-11.csv");
  assert.equal(fileName({ path: "orders.csv" }), "orders.csv");
  assert.equal(fileName({ path: "tenants/0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81/0199.csv" }), null);
  for (const payload of [null, undefined, {}, { path: 3 }, { path: "" }]) assert.equal(fileName(payload), null);
});

test("an import is called by its file, or by its source", () => {
  assert.equal(nameOf({ file: "may.csv", source: null }), "may.csv");
  assert.equal(nameOf({ file: null, source: "warehouse" }), "warehouse");
  for (const shown of [null, undefined, {}, { file: null, source: null }, { file: "" }])
    assert.equal(nameOf(shown), null);
});
