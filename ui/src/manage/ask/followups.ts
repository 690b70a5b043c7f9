// Questions that go on from an answer, which the grammar understands as well as a model does.

import { ANONYMISED } from "./cells.ts";
import type { Answer, CallMade } from "./shapes.ts";

const MOST = 4;

/** Lists of customers that can have what each bought last beside them. */
const LISTS = [
  "churn_risk",
  "high_value",
  "one_time_buyers",
  "declining_engagement",
  "retention",
  "growth",
  "winback",
  "loyalty",
  "acquisition",
  "seasonal",
  "b2b_identification",
  "momentum_analysis",
  "behavior_change",
  "discount_dependency",
  "upsell_candidates",
  "cross_sell_opportunities",
  "expansion_targets",
  "discount_strategy",
  "winback_strategy",
  "retention_actions",
];

function canTellLast(call: CallMade): boolean {
  const { analysis_type, campaign_type, recommendation_type, with_last_order } = call.arguments;
  const variant = analysis_type ?? campaign_type ?? recommendation_type;
  return call.tool !== "lookup_customer" && LISTS.includes(String(variant)) && with_last_order !== true;
}

export function followUps(answer: Answer): string[] {
  if (answer.suggestions.length > 0) return answer.suggestions.slice(0, MOST);
  const call = answer.calls.findLast((made) => made.available);
  if (answer.outcome !== "answered" || !call) return [];
  const asked: string[] = [];
  if ((call.rows ?? 0) > answer.rows.length && answer.rows.length > 0) asked.push("more");
  if (call.tool === "forecast_metrics") asked.push("and for the next 6 months?");
  if (call.tool === "analyze_products") asked.push("and for the last 3 months?");
  if (call.tool === "lookup_customer") {
    if (call.arguments.info_type !== "purchase_history") asked.push("What did they buy?");
    if (call.arguments.info_type !== "churn_risk") asked.push("Will they leave?");
    if (call.arguments.info_type !== "recommendations") asked.push("What should we offer to them?");
  }
  if (canTellLast(call) && answer.rows.length > 0) asked.push("And what did they buy last?");
  const first = answer.rows[0]?.customer_id;
  if (typeof first === "string" && first.match(ANONYMISED)?.[0] === first) {
    asked.push(`What did ${first} buy?`, `Will ${first} leave?`);
  }
  return asked.slice(0, MOST);
}
