import assert from "node:assert/strict";
import test from "node:test";
import { inBraces, placeholders } from "./placeholders.ts";

test("a variable without its value is found until it is written over", () => {
  assert.deepEqual(placeholders("Order {{ order.number }} of {{agent.name}}"), ["order.number", "agent.name"]);
  assert.deepEqual(placeholders("Order {{order.number | on file}} of Ann"), ["order.number"]);
  assert.deepEqual(placeholders("{{custom.size_2}} {{custom.size_2}}"), ["custom.size_2"]);
  assert.deepEqual(placeholders("Order 4711 of Ann"), []);
});

test("other braces are the shop's own", () => {
  for (const text of ["{{ braces }}", "{order.number}", "{{order.number", "{{Order.Number}}", "{{order.}}", "{{}}"])
    assert.deepEqual(placeholders(text), [], text);
});

test("they are named as they are written", () => {
  assert.equal(inBraces(["order.number", "agent.name"]), "{{order.number}}, {{agent.name}}");
  assert.equal(inBraces([]), "");
});
