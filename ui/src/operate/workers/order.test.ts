import assert from "node:assert/strict";
import test from "node:test";
import { inOrder, runningOf } from "./order.ts";

test("who works comes first and who stopped last, the newest of each first", () => {
  const worker = (name: string, state: string, hour: number) => ({
    name,
    state,
    started_at: `2026-11-01T0${hour}:00:00Z`,
  });
  const all = [
    worker("a", "stopped", 9),
    worker("b", "lost", 8),
    worker("c", "active", 1),
    worker("d", "draining", 2),
    worker("e", "active", 3),
    worker("f", "of another version", 4),
  ];
  assert.deepEqual(
    inOrder(all).map(({ name }) => name),
    ["e", "c", "d", "b", "a", "f"],
  );
});

test("one that is gone runs nothing, whatever it ran at its last beat", () => {
  assert.equal(runningOf({ state: "lost", running: 16 }), 0);
  assert.equal(runningOf({ state: "stopped", running: 1 }), 0);
  assert.equal(runningOf({ state: "draining", running: 2 }), 2);
});
