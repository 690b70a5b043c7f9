import assert from "node:assert/strict";
import test from "node:test";
import { domainOf, isMoving, isUnderWay, type Part, stretches } from "./reading.ts";

function part(resource: string, state: string, more: Partial<Part> = {}): Part {
  return {
    run_id: "r",
    resource,
    state,
    read: 0,
    file_bytes: null,
    file_bytes_read: null,
    inserted: 0,
    replaced: 0,
    unchanged: 0,
    older: 0,
    refused: 0,
    started_at: "2026-11-01T10:00:00Z",
    finished_at: null,
    ...more,
  };
}

test("parts of one kind are one line, in the order of reading", () => {
  const lines = stretches([
    part("orders", "running", { read: 10, inserted: 8, refused: 2, file_bytes: 100, file_bytes_read: 20 }),
    part("orders", "done", { read: 5, replaced: 1, unchanged: 3, older: 1, file_bytes: 100, file_bytes_read: 100 }),
    part("products", "done", { read: 3, finished_at: "2026-11-01T10:01:00Z" }),
  ]);
  assert.deepEqual(
    lines.map((line) => [line.resource, line.state, line.read, line.stored, line.unchanged, line.refused, line.share]),
    [
      ["products", "done", 3, 0, 0, 0, null],
      ["orders", "running", 15, 9, 4, 2, 0.6],
    ],
  );
  assert.equal(lines[0]?.finishedAt, "2026-11-01T10:01:00Z");
  assert.equal(lines[1]?.finishedAt, null);
});

test("a reading is under way until nothing of it waits or runs", () => {
  assert.equal(isUnderWay([]), false);
  assert.equal(isUnderWay([part("products", "done"), part("orders", "waiting")]), true);
  assert.equal(isUnderWay([part("products", "done"), part("orders", "dropped")]), false);
  assert.equal(stretches([part("orders", "waiting")])[0]?.state, "waiting");
  assert.equal(stretches([part("orders", "dropped"), part("orders", "done")])[0]?.state, "dropped");
});

test("what was asked for and has not begun is waited for, and no longer", () => {
  const since = "2026-11-01T09:00:00Z";
  const done = [part("orders", "done", { run_id: "one" })];
  assert.equal(isMoving({ status: "connected", since, reading: done }, null), false);
  assert.equal(isMoving({ status: "connected", since, reading: done }, "one"), true, "asked, not begun");
  assert.equal(isMoving({ status: "connected", since, reading: done }, ""), false, "begun and over");
  assert.equal(isMoving({ status: "revoked", since, reading: done }, "one"), false, "it will not begin");
  assert.equal(isMoving({ status: "connected", since, reading: [] }, null), true, "the first is to come");
  const again = { status: "connected", since: "2026-11-01T11:00:00Z", reading: done };
  assert.equal(isMoving(again, null), true, "connected again after it");
});

test("a shop's domain is taken as people have it at hand", () => {
  for (const typed of [
    "corner-records",
    " Corner-Records.myshopify.com ",
    "https://corner-records.myshopify.com/admin?x=1",
  ]) {
    assert.equal(domainOf(typed), "corner-records.myshopify.com");
  }
  for (const typed of ["", "corner records", "shop.example.com", "-x", "a.myshopify.com.evil.example"]) {
    assert.equal(domainOf(typed), null, typed);
  }
});
