// Which kinds of customers are the coarse ones: every count and every list of them is of these.

import type { Archetype } from "../../api/shapes.ts";

type Kind = Pick<Archetype, "id" | "parent_id" | "customers">;

export const byCustomers = (one: Kind, other: Kind) => (other.customers ?? 0) - (one.customers ?? 0);

/** Those that belong to no other, the largest first. */
export function coarseOf<T extends Kind>(kinds: T[]): T[] {
  return kinds.filter((kind) => !kinds.some((other) => other.id === kind.parent_id)).sort(byCustomers);
}
