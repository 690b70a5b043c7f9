// What the chart of an answer shows: its points, and a sentence for whoever does not see it.

import { type Context, head, said } from "./cells.ts";
import type { ChartOf, Row } from "./shapes.ts";

export type Point = { name: string; value: number; text: string; low: number | null; high: number | null; row: Row };
export type Picture = { kind: "bar" | "line"; points: Point[]; says: string; left: number };

/** None when there is nothing to compare: one point is no picture. */
export function pictureOf(chart: ChartOf | null, rows: Row[], context: Context): Picture | null {
  if (chart === null) return null;
  const { x, y, bounds } = chart;
  const all = rows.map((row) => ({
    name: nameOf(x, row, context),
    value: amount(row[y]),
    text: said(y, row, context),
    low: bounds ? amount(row[bounds[0]]) : null,
    high: bounds ? amount(row[bounds[1]]) : null,
    row,
  }));
  const points = all.filter((point): point is Point => point.value !== null);
  if (points.length < 2) return null;
  const left = all.length - points.length;
  const kind = chart.kind === "line" ? "line" : "bar";
  return { kind, points, left, says: sentence(chart, points, left) };
}

/** A number, or an amount that is written as a text. */
function amount(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || value.trim() === "") return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

function nameOf(x: string, row: Row, context: Context): string {
  // Whoever ordered once has no span between orders and is a class of their own.
  if (x === "from_days" && typeof row.from_days !== "number") return said("class", row, context);
  if (x !== "from_days") return said(x, row, context);
  const to = row.to_days;
  return to === null || to === undefined ? `${row.from_days} days and more` : `${row.from_days} to ${to} days`;
}

function sentence(chart: ChartOf, points: Point[], left: number): string {
  const most = points.reduce((a, b) => (b.value > a.value ? b : a));
  const least = points.reduce((a, b) => (b.value < a.value ? b : a));
  const what = `${head(chart.y)} by ${chart.x === "from_days" ? "days" : head(chart.x).toLowerCase()}`;
  const withheld = left > 0 ? ` ${left === 1 ? "One is" : `${left} are`} withheld or not known.` : "";
  if (most.value === least.value) return `${what}: ${most.text} for each.${withheld}`;
  return `${what}: most for ${most.name} with ${most.text}, least for ${least.name} with ${least.text}.${withheld}`;
}

/** Where bars stand: from zero to the right, or to both sides of it. All in percent of the width. */
export function bars(points: Point[]): { from: number; width: number }[] {
  const low = Math.min(0, ...points.map((point) => point.value));
  const high = Math.max(0, ...points.map((point) => point.value));
  const span = high - low || 1;
  return points.map(({ value }) => ({
    from: ((Math.min(0, value) - low) / span) * 100,
    width: (Math.abs(value) / span) * 100,
  }));
}
