import assert from "node:assert/strict";
import test from "node:test";
import type { Field, Tree } from "./calls.ts";
import { bodyOf, formOf, readTree, writeTree } from "./form.ts";

const FIELDS: Field[] = [
  { name: "sentiment", kind: "number", choices: [], about: "" },
  { name: "tags", kind: "words", choices: [], about: "" },
  { name: "is_snoozed", kind: "flag", choices: [], about: "" },
  { name: "message", kind: "text", choices: [], about: "" },
];

test("conditions come back as they were", () => {
  const tree: Tree = {
    all: [
      { field: "sentiment", op: "at_most", value: 0.3 },
      { field: "tags", op: "one_of", value: ["a", "b"] },
      { field: "is_snoozed", op: "is", value: false },
      { field: "message", op: "is_set" },
    ],
  };
  assert.deepEqual(writeTree(readTree(tree), FIELDS), tree);
});

test("a tree within a tree stays as it is, and what is no JSON cannot be sent", () => {
  const tree: Tree = { any: [{ all: [{ field: "tags", op: "is_set" }] }] };
  const read = readTree(tree);
  assert.equal(read.kind, "text");
  assert.deepEqual(writeTree(read, FIELDS), tree);
  assert.equal(writeTree({ kind: "text", text: "{" }, FIELDS), undefined);
});

test("a missing value or name keeps a rule from being sent", () => {
  const form = formOf(null);
  assert.equal(bodyOf(form, FIELDS), null);
  form.name = "Angry first";
  assert.deepEqual(bodyOf(form, FIELDS)?.unless, null);
  form.holds = { kind: "list", match: "all", lines: [{ key: 1, field: "sentiment", op: "at_most", value: "low" }] };
  assert.equal(bodyOf(form, FIELDS), null);
});
