import assert from "node:assert/strict";
import test from "node:test";
import { nameOf, withCarried } from "./stored.ts";

test("a text that goes along stands below what is written there, and the server has yet to get it", () => {
  assert.deepEqual(withCarried(null, "Hello"), { text: "Hello", version: null, isKept: false });
  const there = { text: "I looked.", version: 3, isKept: true };
  assert.deepEqual(withCarried(there, "Hello"), { text: "I looked.\n\nHello", version: 3, isKept: false });
});

test("each person has their own text on each ticket", () => {
  assert.equal(new Set([nameOf("Ann", "1"), nameOf("Ann", "2"), nameOf("Ben", "1")]).size, 3);
});
