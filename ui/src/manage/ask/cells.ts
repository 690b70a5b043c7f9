// What rows of an answer say, for people: which fields become columns and in what order, how each value is written, and
// where it leads. Values come from tools of many forms, so all of it goes by the names of fields.

import { count, day, money, monthOf, percent, words } from "../../parts/format.ts";
import type { CallMade, ChartOf, Row } from "./shapes.ts";
import { HEADS, TEXTS } from "./texts.ts";

/** What rows are called comes first, then what is asked for most; what is not named follows as it comes, sentences last. */
const FIRST = [
  "customer_id",
  "month",
  "ordered_on",
  "item",
  "with",
  "category",
  "segment",
  "archetype",
  "class",
  "months",
  "from_days",
  "to_days",
  "axis",
  "value",
  "low",
  "high",
  "churn_band",
  "churn",
  "churn_probability",
  "customers",
  "change",
  "spend",
  "spend_before",
  "revenue",
  "amount",
  "ltv",
  "expected_spend",
  "orders",
  "last_order_on",
  "last_order_value",
  "last_order_products",
  "last_order_categories",
];
const LAST = ["description", "rule", "reasons", "suggestion", "products", "categories"];
const WIDE = ["segment", "archetype", "category", "item", "with", "last_order_products", "last_order_categories"];
const MONEY =
  /^(spend|spend_before|change|revenue|revenue_before|returned_value|amount|paid|ltv|expected_spend|mean_order_value|mean_expected_spend|median_order_value|last_order_value)$/;
const SHARES =
  /^(churn|churn_probability|mean_churn_probability|share|share_of_\w+|reduced_share|mean_reduction|rate|confidence|support|growth|probability|similarity)$/;
const MONEY_METRICS = ["revenue", "average_ltv"];

/** What a value's form depends on besides its field. */
export type Context = { currency: string | null; metric: string | null };

export function contextOf(calls: CallMade[], chart: ChartOf | null): Context {
  const call = calls.findLast((made) => made.available);
  const metric = call?.arguments.metric;
  const unit = chart?.unit && /^[A-Z]{3}$/.test(chart.unit) ? chart.unit : null;
  return { currency: call?.currency ?? unit, metric: typeof metric === "string" ? metric : null };
}

export function fieldsOf(rows: Row[]): string[] {
  const found = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  // The currency is written with the amounts, and what is withheld in its place.
  const shown = found.filter(
    (field) => !["withheld", "currency"].includes(field) && rows.some((row) => isThere(row, field)),
  );
  const rank = (field: string) => {
    if (FIRST.includes(field)) return FIRST.indexOf(field);
    return LAST.includes(field) ? 1_000 + LAST.indexOf(field) : 500;
  };
  return shown.sort((a, b) => rank(a) - rank(b) || found.indexOf(a) - found.indexOf(b));
}

/** A field that is empty in every row says nothing, unless it was withheld. */
function isThere(row: Row, field: string): boolean {
  const value = row[field];
  if (value === null || value === undefined) return row.withheld === true && field in row;
  return !(Array.isArray(value) && value.length === 0);
}

export function head(field: string): string {
  return HEADS[field] ?? words(field);
}

export function isNumber(field: string, rows: Row[]): boolean {
  if (MONEY.test(field) || SHARES.test(field)) return true;
  const values = rows.map((row) => row[field]).filter((value) => value !== null && value !== undefined);
  return values.length > 0 && values.every((value) => typeof value === "number");
}

export function isWide(field: string): boolean {
  return LAST.includes(field) || WIDE.includes(field);
}

/** What a row without a name of this kind is about. */
const UNNAMED: Record<string, string> = { category: "without a category", segment: "in none" };

/** A value in words and figures. */
export function said(field: string, row: Row, context: Context): string {
  const value = row[field];
  if (value === null || value === undefined) {
    if (row.withheld === true) return TEXTS.withheld;
    return UNNAMED[field] ?? "–";
  }
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((each) => named(each)).join("; ") || "–";
  if (typeof value === "object") return named(value);
  if (field === "month") return monthOf(String(value));
  if (/_on$/.test(field) && typeof value === "string") return day(value);
  const currency = typeof row.currency === "string" ? row.currency : context.currency;
  if (["value", "low", "high"].includes(field) && context.metric !== null) return ofMetric(Number(value), context);
  if (MONEY.test(field)) return money(value as number | string, currency);
  if (SHARES.test(field) && typeof value === "number") return percent(value, 1);
  if (typeof value === "number") return number(value);
  if (field === "axis" || field === "direction" || field === "class") return words(String(value));
  return String(value);
}

/** A value of a forecast. */
function ofMetric(value: number, { metric, currency }: Context): string {
  if (metric === "churn_rate") return percent(value, 1);
  return metric !== null && MONEY_METRICS.includes(metric) ? money(value, currency) : count(value);
}

function named(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const { name } = value as { name?: unknown };
  return typeof name === "string" ? name : JSON.stringify(value);
}

const some = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

function number(value: number): string {
  return Number.isInteger(value) ? count(value) : some.format(value);
}

export type Place = { to: string; search?: Record<string, string> };

/** The screen of what a cell names; none when there is none. `kinds` are ids of archetypes by their name. */
export function placeOf(field: string, row: Row, context: Context, kinds: Map<string, string>): Place | null {
  const value = row[field];
  if (field === "customer_id" && typeof value === "string") {
    return { to: `/manage/customers/${encodeURIComponent(value)}` };
  }
  if (field === "churn_band" && typeof value === "string") {
    return { to: "/manage/customers", search: { churn_band: value } };
  }
  if (field === "month") return context.metric ? { to: "/manage/forecasts", search: { metric: context.metric } } : null;
  if (field === "archetype" || (field === "segment" && row.axis === "archetype")) {
    const { id, name } = (typeof value === "object" && value !== null ? value : { name: value }) as Record<
      string,
      unknown
    >;
    const known = typeof id === "string" ? id : kinds.get(String(name));
    return known ? { to: "/manage/customers", search: { archetype: known } } : { to: "/manage/archetypes" };
  }
  return null;
}

export const ANONYMISED = /\bC-[0-9A-HJKMNP-TV-Z]{8}\b/g;

/** A text in parts: plain ones, and anonymised customers, who can be opened. */
export function partsOf(text: string): { text: string; isCustomer: boolean }[] {
  const parts: { text: string; isCustomer: boolean }[] = [];
  let from = 0;
  for (const found of text.matchAll(ANONYMISED)) {
    if (found.index > from) parts.push({ text: text.slice(from, found.index), isCustomer: false });
    parts.push({ text: found[0], isCustomer: true });
    from = found.index + found[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), isCustomer: false });
  return parts;
}
