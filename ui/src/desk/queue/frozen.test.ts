import assert from "node:assert/strict";
import test from "node:test";
import { difference } from "./frozen.ts";

test("what came, went or moved is counted once", () => {
  assert.equal(difference(["a", "b", "c"], ["a", "b", "c"]), 0);
  assert.equal(difference(["a", "b", "c"], ["d", "a", "b", "c"]), 1);
  assert.equal(difference(["a", "b", "c"], ["a", "c"]), 1);
  assert.equal(difference(["a", "b", "c"], ["c", "a", "b"]), 1);
  assert.equal(difference(["a", "b", "c", "d"], ["e", "d", "a", "b"]), 3);
  assert.equal(difference([], ["a"]), 1);
});
