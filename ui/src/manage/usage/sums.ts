// Lines of use added up: by feature, and by day with the days without any in between.

import type { components } from "../../api.d.ts";

export type Line = components["schemas"]["UsageLine"];
export type Sum = { key: string; calls: number; hits: number; tokens: number; cost: number };

/** All tokens of a line, whatever they cost. */
export function tokensOf(line: Line): number {
  return line.input_tokens + line.output_tokens + line.cache_read_tokens + line.cache_write_tokens;
}

export function total(lines: Line[]): Sum {
  return lines.reduce(add, nothing(""));
}

/** What cost most first. */
export function byFeature(lines: Line[]): Sum[] {
  return grouped(lines, (line) => line.feature).sort((a, b) => b.cost - a.cost || b.calls - a.calls);
}

/** Every day from the first to the last, the earliest first. */
export function byDay(lines: Line[], from: string, to: string): Sum[] {
  const known = new Map(grouped(lines, (line) => line.day).map((sum) => [sum.key, sum]));
  const days: Sum[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += 86_400_000) {
    const key = new Date(at).toISOString().slice(0, 10);
    days.push(known.get(key) ?? nothing(key));
  }
  return days;
}

export function share(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

/** Millionths of a dollar as dollars: small sums keep the digits that say something. */
export function dollars(micros: number | null | undefined): string {
  if (micros === null || micros === undefined) return "–";
  const value = micros / 1_000_000;
  const digits = value === 0 || value >= 0.1 ? 2 : value >= 0.01 ? 3 : 6;
  return new Intl.NumberFormat("en", {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  }).format(value);
}

function grouped(lines: Line[], keyOf: (line: Line) => string): Sum[] {
  const sums = new Map<string, Sum>();
  for (const line of lines) {
    const key = keyOf(line);
    sums.set(key, add(sums.get(key) ?? nothing(key), line));
  }
  return [...sums.values()];
}

function add(sum: Sum, line: Line): Sum {
  return {
    key: sum.key,
    calls: sum.calls + line.calls,
    hits: sum.hits + line.cache_hits,
    tokens: sum.tokens + tokensOf(line),
    cost: sum.cost + line.cost_micros,
  };
}

function nothing(key: string): Sum {
  return { key, calls: 0, hits: 0, tokens: 0, cost: 0 };
}
