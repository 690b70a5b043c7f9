import assert from "node:assert/strict";
import test from "node:test";
import { fieldsOf, hasWords, type Schema } from "./schema.ts";

const schema: Schema = {
  type: "object",
  properties: {
    type: { const: "customer.risk_band_changed" },
    data: {
      type: "object",
      properties: {
        customer_id: { type: "string", description: "the shop's own id" },
        run_id: { type: "string", format: "uuid", description: "the run" },
        from: { enum: ["low", "high", null], description: "the band before" },
        to: { type: ["string", "null"], description: "the band now" },
        spend: { type: "string", pattern: "^-?[0-9]+$", description: "net of returns" },
        at: { type: "string", format: "date-time", description: "when" },
        orders: { type: "integer", description: "orders that count" },
        by_machine: { type: "boolean", description: "whether" },
        changed: { type: "array", items: { type: "string" }, description: "names" },
        odd: {},
      },
    },
  },
};

test("a field is said in words", () => {
  assert.deepEqual(
    fieldsOf(schema).map(({ name, value }) => `${name}: ${value}`),
    [
      "customer_id: text",
      "run_id: UUID",
      "from: low, high, or null",
      "to: text, or null",
      "spend: decimal as text",
      "at: time",
      "orders: whole number",
      "by_machine: true or false",
      "changed: list of names",
      "odd: anything",
    ],
  );
  assert.deepEqual(fieldsOf({}), []);
});

test("every word has to be in the name, the meaning or a field", () => {
  const event = { type: "customer.risk_band_changed", description: "More or less likely to leave", schema };
  assert.ok(hasWords(event, "RISK leave"));
  assert.ok(hasWords(event, "net of"));
  assert.ok(hasWords(event, "  "));
  assert.ok(!hasWords(event, "risk ticket"));
});
