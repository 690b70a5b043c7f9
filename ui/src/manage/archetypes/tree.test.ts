import assert from "node:assert/strict";
import test from "node:test";
import { coarseOf } from "./tree.ts";

test("a kind without a coarser one is coarse itself, whatever its level", () => {
  const kind = (id: string, parent_id: string | null, customers: number | null) => ({ id, parent_id, customers });
  const kinds = [
    kind("a", null, 54),
    kind("b", "a", 39),
    kind("c", null, 98),
    kind("d", "gone", 59),
    kind("e", null, null),
  ];
  assert.deepEqual(
    coarseOf(kinds).map(({ id }) => id),
    ["c", "d", "a", "e"],
  );
});
