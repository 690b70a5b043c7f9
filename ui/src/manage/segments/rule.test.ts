import assert from "node:assert/strict";
import test from "node:test";
import { type Rule, toCondition, toQuery, toRule } from "./rule.ts";

const TYPES = { orders: "integer", spend: "number", risk: "word", mail: "boolean", tags: "set", last: "date" };

test("a line becomes a condition with a value of its type", () => {
  assert.deepEqual(toCondition({ field: "orders", operator: ">=", value: "10" }, TYPES), {
    field: "orders",
    operator: ">=",
    value: 10,
  });
  assert.deepEqual(toCondition({ field: "mail", operator: "=", value: "true" }, TYPES), {
    field: "mail",
    operator: "=",
    value: true,
  });
  assert.deepEqual(toCondition({ field: "tags", operator: "has_any", value: "vip, new" }, TYPES), {
    field: "tags",
    operator: "has_any",
    value: ["vip", "new"],
  });
});

test("a line that is not complete is left out", () => {
  assert.equal(toCondition({ field: "orders", operator: ">=", value: "" }, TYPES), null);
  assert.equal(toCondition({ field: "orders", operator: ">=", value: "many" }, TYPES), null);
  assert.equal(toCondition({ field: "spend", operator: "between", value: "5" }, TYPES), null);
  assert.equal(toCondition({ field: "nothing", operator: "=", value: "1" }, TYPES), null);
  assert.equal(toRule({ combinator: "and", rules: [{ field: "orders", operator: "=", value: "" }] }, TYPES), null);
});

test("rules come back from the builder as they went in", () => {
  const rules: Rule[] = [
    { field: "orders", operator: "=", value: 1 },
    {
      all: [
        { field: "risk", operator: "=", value: "high" },
        { field: "spend", operator: "between", value: [5, 10] },
      ],
    },
    { any: [{ field: "last", operator: "is_known" }, { not: { in_segment: "VIP" } }] },
    {
      all: [
        { in_segment: "VIP" },
        {
          any: [
            { field: "mail", operator: "=", value: false },
            { field: "orders", operator: ">", value: 3 },
          ],
        },
      ],
    },
    {
      not: {
        all: [
          { field: "orders", operator: "=", value: 1 },
          { field: "spend", operator: "<", value: 2.5 },
        ],
      },
    },
    { not: { field: "orders", operator: "=", value: 1 } },
  ];
  for (const rule of rules) assert.deepEqual(toRule(toQuery(rule), TYPES), rule);
});
