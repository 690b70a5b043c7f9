import assert from "node:assert/strict";
import test from "node:test";
import { areasOf, covers, isPicked, isWithin, pick } from "./picking.ts";

const PATTERNS = ["*", "sla.*", "sla.at_risk", "sla.breached", "ticket.*", "ticket.created"];

test("areas have their kinds", () => {
  assert.deepEqual(areasOf(PATTERNS), [
    { pattern: "sla.*", name: "sla", kinds: ["sla.at_risk", "sla.breached"] },
    { pattern: "ticket.*", name: "ticket", kinds: ["ticket.created"] },
  ]);
});

test("a pattern covers what it names and no name that only begins alike", () => {
  assert.ok(covers("*", "sla.*"));
  assert.ok(covers("sla.*", "sla.breached"));
  assert.ok(!covers("sla.*", "slack.connected"));
  assert.ok(!covers("sla.breached", "sla.*"));
});

test("what is larger holds what is smaller, once", () => {
  let picked = pick([], "sla.breached", true);
  picked = pick(picked, "ticket.created", true);
  assert.deepEqual(picked, ["sla.breached", "ticket.created"]);
  picked = pick(picked, "sla.*", true);
  assert.deepEqual(picked, ["sla.*", "ticket.created"]);
  assert.ok(isPicked(picked, "sla.at_risk"));
  assert.ok(isWithin(picked, "sla.at_risk"));
  assert.ok(!isWithin(picked, "sla.*"));
  assert.deepEqual(pick(picked, "sla.*", false), ["ticket.created"]);
  assert.deepEqual(pick(picked, "*", true), ["*"]);
  assert.deepEqual(pick(["*"], "*", false), []);
});
