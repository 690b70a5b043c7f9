// The filters of a list of deliveries: from the texts of the address to what the API asks for, and to a replay of the same.

import type { ReplayFilter } from "./calls.ts";

const DAY_MS = 86_400_000;

/** A day of the person who looks: from its first moment, until the end of its last. */
export function times(filters: Record<string, string>): { from?: string; to?: string } {
  const begin = (day: string | undefined) => (day ? Date.parse(`${day}T00:00:00`) : Number.NaN);
  const [from, to] = [begin(filters.from), begin(filters.to)];
  return {
    ...(Number.isFinite(from) ? { from: new Date(from).toISOString() } : {}),
    ...(Number.isFinite(to) ? { to: new Date(to + DAY_MS).toISOString() } : {}),
  };
}

/** What GET asks for; `endpoint` is the one whose list it is, or the one that was chosen. */
export function asked(filters: Record<string, string>, endpoint: string | undefined): Record<string, string> {
  const wanted = {
    endpoint: endpoint ?? filters.endpoint,
    state: filters.state,
    type: filters.type,
    ...times(filters),
  };
  return Object.fromEntries(Object.entries(wanted).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** What a replay begins with: what is looked at, and of what waits nothing. */
export function repeated(
  filters: Record<string, string>,
  endpoint: string | undefined,
  state: "failed" | "delivered",
): ReplayFilter {
  const { from, to } = times(filters);
  return {
    endpoint_id: endpoint ?? filters.endpoint ?? null,
    state,
    type: filters.type ?? null,
    from: from ?? null,
    to: to ?? null,
  };
}
