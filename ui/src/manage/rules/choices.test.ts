import assert from "node:assert/strict";
import test from "node:test";
import { asListed, type Choices, offered, unknown } from "./choices.ts";

const CHOICES: Choices = { list: [{ value: "Billing", label: "Billing" }], isOpen: false };

test("what is stored in lower case is what the list has", () => {
  assert.equal(asListed(CHOICES, "billing"), "Billing");
  assert.deepEqual(unknown(CHOICES, ["billing", ""]), []);
});

test("what is gone stays visible and is told", () => {
  assert.equal(asListed(CHOICES, "returns"), "returns");
  assert.deepEqual(unknown(CHOICES, ["Billing", "returns"]), ["returns"]);
  assert.deepEqual(offered(CHOICES, ["returns"]).at(-1), { value: "returns", label: "returns (gone)" });
});
