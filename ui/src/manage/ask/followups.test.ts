import assert from "node:assert/strict";
import test from "node:test";
import { followUps } from "./followups.ts";
import type { Answer } from "./shapes.ts";

const answer = (over: Partial<Answer>): Answer => ({
  outcome: "answered",
  text: "",
  rows: [],
  chart: null,
  calls: [],
  as_of: null,
  caveats: [],
  suggestions: [],
  answered_by: "grammar",
  model: null,
  removed_sentences: 0,
  ...over,
});
const call = (tool: string, args: Record<string, unknown> = {}, rows = 0) => ({
  tool,
  arguments: args,
  as_of: "2026-11-28",
  computed_at: "2026-11-28T12:00:00Z",
  available: true,
  rows,
  cost: { rows_read: 1, remembered: false },
});

test("what was asked back goes first, and alone", () => {
  const asked = answer({ outcome: "asks", suggestions: ["a", "b", "c", "d", "e"], calls: [call("forecast_metrics")] });
  assert.deepEqual(followUps(asked), ["a", "b", "c", "d"]);
});

test("a list of customers leads to more of them and to the first", () => {
  const list = answer({ rows: [{ customer_id: "C-0123ABCD" }], calls: [call("analyze_customers", {}, 100)] });
  assert.deepEqual(followUps(list), ["more", "What did C-0123ABCD buy?", "Will C-0123ABCD leave?"]);
});

test("a list leads to what its customers bought last, unless that stands there", () => {
  const risk = { analysis_type: "churn_risk" };
  const rows = [{ customer_id: "C-0123ABCD" }];
  const asks = (args: Record<string, unknown>) =>
    followUps(answer({ rows, calls: [call("analyze_customers", args, 1)] })).includes("And what did they buy last?");
  assert.equal(asks(risk), true);
  assert.equal(asks({ ...risk, with_last_order: true }), false);
  assert.equal(asks({ analysis_type: "rfm_score" }), false);
  assert.equal(asks({ campaign_type: "seasonal" }), true);
  assert.equal(asks({ recommendation_type: "discount_strategy" }), true);
  assert.equal(asks({ analysis_type: "purchase_cadence" }), false);
});

test("what was looked up already is not asked again", () => {
  const looked = answer({ calls: [call("lookup_customer", { info_type: "churn_risk" })] });
  assert.deepEqual(followUps(looked), ["What did they buy?", "What should we offer to them?"]);
});

test("where there was no answer nothing goes on", () => {
  assert.deepEqual(followUps(answer({ outcome: "declined" })), []);
  assert.deepEqual(followUps(answer({ calls: [{ ...call("analyze_products"), available: false }] })), []);
});
