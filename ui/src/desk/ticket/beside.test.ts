import assert from "node:assert/strict";
import test from "node:test";
import { besideDraft } from "./beside.ts";

test("the articles of a draft are named, those that it used first", () => {
  const recommendation = {
    articles: [
      { id: "a", version: 1, title: "Shipping", used: false },
      { id: "b", version: 3, title: "Returns", used: true },
    ],
    remarks: ["Read it first."],
  };
  assert.deepEqual(besideDraft({ recommendation }), {
    articles: [
      { id: "b", version: 3, title: "Returns", isUsed: true },
      { id: "a", version: 1, title: "Shipping", isUsed: false },
    ],
    remarks: ["Read it first."],
  });
});

test("a draft without facts, or with others than are known, names none", () => {
  for (const recommendation of [
    null,
    undefined,
    [],
    "x",
    { articles: {}, remarks: [3] },
    { articles: [{ id: 1 }, null] },
  ]) {
    assert.deepEqual(besideDraft({ recommendation }), { articles: [], remarks: [] });
  }
});
