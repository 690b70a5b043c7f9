import assert from "node:assert/strict";
import test from "node:test";
import type { Field, Tree, Words } from "./calls.ts";
import { allFields, bodyOf, comparisons, fitting, formOf, readTree, writeTree } from "./form.ts";

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
      { field: "tags", op: "one_of", value: ["a", "b, with a comma"] },
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

test("a value fits its comparison: several or one", () => {
  assert.deepEqual(fitting("one_of", "a"), ["a"]);
  assert.deepEqual(fitting("one_of", ""), []);
  assert.equal(fitting("is", ["a", "b"]), "a");
  assert.equal(fitting("is", []), "");
  const lines = [{ key: 1, field: "tags", op: "one_of", value: [] }];
  assert.equal(writeTree({ kind: "list", match: "all", lines }, FIELDS), undefined, "none was chosen");
});

test("fields of the shop's own are compared by what they are", () => {
  const vocabulary: Words = {
    events: [],
    fields: FIELDS,
    own_fields: [
      { name: "custom.size", kind: "choice", choices: ["S", "M"], label: "Size" },
      { name: "custom.weight", kind: "number", choices: [], label: "Weight" },
      { name: "custom.fragile", kind: "boolean", choices: [], label: "Fragile" },
    ],
    values: {},
    comparisons: {
      word: ["is", "is_not", "one_of"],
      words: ["one_of", "all_of"],
      number: ["is", "at_least"],
      flag: ["is"],
      own: ["is", "is_not", "one_of", "at_least"],
    },
    actions: [],
    variables: [],
  };
  const fields = allFields(vocabulary);
  const ops = (name: string) =>
    comparisons(
      vocabulary,
      fields.find((field) => field.name === name),
    );
  assert.deepEqual(ops("custom.size"), ["is", "is_not", "one_of"]);
  assert.deepEqual(ops("custom.weight"), ["is", "at_least"]);
  assert.deepEqual(ops("custom.fragile"), ["is"]);
  assert.deepEqual(ops("tags"), ["one_of", "all_of"]);
  const tree: Tree = {
    all: [
      { field: "custom.weight", op: "at_least", value: 2.5 },
      { field: "custom.fragile", op: "is", value: true },
    ],
  };
  assert.deepEqual(writeTree(readTree(tree), fields), tree);
});
