import assert from "node:assert/strict";
import test from "node:test";
import { asked, repeated, times } from "./filter.ts";

test("days are whole days of the person who looks", () => {
  const { from = "", to = "" } = times({ from: "2026-11-27", to: "2026-11-27" });
  assert.equal(new Date(from).getHours(), 0);
  assert.equal(Date.parse(to) - Date.parse(from), 86_400_000);
  assert.deepEqual(times({ from: "soon" }), {});
  assert.deepEqual(times({}), {});
});

test("what is not chosen restricts nothing", () => {
  assert.deepEqual(asked({ state: "failed", type: "", cursor: "x" }, "e1"), { endpoint: "e1", state: "failed" });
  assert.deepEqual(asked({ endpoint: "e2" }, undefined), { endpoint: "e2" });
  assert.deepEqual(asked({ endpoint: "e2" }, "e1"), { endpoint: "e1" });
});

test("a replay begins with what is looked at", () => {
  const filter = repeated({ state: "waiting", type: "sla.breached", from: "2026-11-27" }, "e1", "failed");
  assert.equal(filter.endpoint_id, "e1");
  assert.equal(filter.state, "failed");
  assert.equal(filter.type, "sla.breached");
  assert.ok(filter.from);
  assert.equal(filter.to, null);
});
