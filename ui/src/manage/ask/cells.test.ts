import assert from "node:assert/strict";
import test from "node:test";
import { contextOf, fieldsOf, head, isNumber, partsOf, placeOf, said } from "./cells.ts";
import type { CallMade } from "./shapes.ts";

const CALL: CallMade = {
  tool: "forecast_metrics",
  arguments: { metric: "revenue", months: 3 },
  as_of: "2026-11-28",
  computed_at: "2026-11-28T12:00:00Z",
  available: true,
  cost: { rows_read: 2, remembered: false },
};
const PLAIN = { currency: "USD", metric: null };

test("columns begin with what rows are called and end with sentences", () => {
  const rows = [
    { reasons: ["spent much"], churn: 0.5, customer_id: "C-0123ABCD", mean_gap_days: null, odd: 1, currency: "USD" },
  ];
  assert.deepEqual(fieldsOf(rows), ["customer_id", "churn", "odd", "reasons"]);
});

test("what was bought last stands behind its day", () => {
  const row = {
    last_order_products: ["green", "mug"],
    last_order_value: "45.00",
    customer_id: "C-0123ABCD",
    last_order_on: "2026-03-10",
  };
  assert.deepEqual(fieldsOf([row]), ["customer_id", "last_order_on", "last_order_value", "last_order_products"]);
  assert.deepEqual(
    [said("last_order_value", row, PLAIN), said("last_order_products", row, PLAIN)],
    ["$45.00", "green; mug"],
  );
  assert.equal(head("last_order_products"), "Bought last");
});

test("what is withheld in every row keeps its column", () => {
  const rows = [{ segment: "Rare", customers: null, withheld: true }];
  assert.deepEqual(fieldsOf(rows), ["segment", "customers"]);
  assert.equal(said("customers", rows[0] as never, PLAIN), "withheld");
});

test("a value is written by its field", () => {
  const row = {
    churn: 0.9765,
    spend: "155.37",
    orders: 12_945,
    mean_gap_days: 2.6,
    last_order_on: "2025-06-01",
    category: null,
    is_return: false,
    reasons: ["a", "b"],
    archetype: { id: "7", name: "One big basket" },
    spend_index: 0.136,
  };
  const say = (field: string) => said(field, row, PLAIN);
  assert.equal(say("churn"), "97.7 %");
  assert.equal(say("spend"), "$155.37");
  assert.equal(say("orders"), "12,945");
  assert.equal(say("mean_gap_days"), "2.6");
  assert.equal(say("last_order_on"), "1 Jun 2025");
  assert.equal(say("category"), "without a category");
  assert.equal(say("is_return"), "no");
  assert.equal(say("reasons"), "a; b");
  assert.equal(say("archetype"), "One big basket");
  assert.equal(say("spend_index"), "0.14");
  assert.equal(said("amount", { amount: "3", currency: "EUR" }, PLAIN), "€3.00");
});

test("a forecast's values have the form of their metric", () => {
  const revenue = contextOf([{ ...CALL, currency: "EUR" }], null);
  assert.equal(said("value", { value: 10 }, revenue), "€10.00");
  const churn = contextOf([{ ...CALL, arguments: { metric: "churn_rate" } }], null);
  assert.equal(said("high", { high: 0.125 }, churn), "12.5 %");
  const customers = contextOf([{ ...CALL, arguments: { metric: "customer_count" } }], null);
  assert.equal(said("low", { low: 812.4 }, customers), "812");
});

test("the currency comes from the call, or else from the chart's unit when that is one", () => {
  const chart = { kind: "bar", x: "a", y: "b", bounds: null, unit: "USD", title: "" };
  assert.equal(contextOf([CALL], chart).currency, "USD");
  assert.equal(contextOf([CALL], { ...chart, unit: "customers" }).currency, null);
  assert.equal(contextOf([], null).currency, null);
});

test("numbers stand on the right, names do not", () => {
  const rows = [{ spend: "1.00", segment: "Rare", orders: 1, empty: null }];
  assert.deepEqual(
    ["spend", "segment", "orders", "empty"].map((field) => isNumber(field, rows)),
    [true, false, true, false],
  );
  assert.equal(head("customer_id"), "Customer");
  assert.equal(head("order_value_index"), "Order value index");
});

test("what a cell names can be opened", () => {
  const kinds = new Map([["Small baskets", "k1"]]);
  const open = (field: string, row: Record<string, unknown>) => placeOf(field, row, PLAIN, kinds);
  assert.deepEqual(open("customer_id", { customer_id: "C-0123ABCD" }), { to: "/manage/customers/C-0123ABCD" });
  assert.deepEqual(open("archetype", { archetype: { id: "k2", name: "x" } })?.search, { archetype: "k2" });
  assert.deepEqual(open("segment", { axis: "archetype", segment: "Small baskets" })?.search, { archetype: "k1" });
  assert.deepEqual(open("archetype", { archetype: "Unheard of" }), { to: "/manage/archetypes" });
  assert.equal(open("segment", { axis: "purchase_value", segment: "Large orders" }), null);
  assert.equal(open("spend", { spend: "1" }), null);
  assert.deepEqual(placeOf("month", { month: "2026-11-01" }, { currency: null, metric: "revenue" }, kinds)?.search, {
    metric: "revenue",
  });
});

test("customers in a text are found, and nothing that only looks like one", () => {
  const parts = partsOf("Ask C-0123ABCD, not C-0123ABCDE or C-OIL45678.");
  assert.deepEqual(
    parts.filter((part) => part.isCustomer).map((part) => part.text),
    ["C-0123ABCD"],
  );
  assert.equal(parts.map((part) => part.text).join(""), "Ask C-0123ABCD, not C-0123ABCDE or C-OIL45678.");
  assert.deepEqual(partsOf(""), []);
});
