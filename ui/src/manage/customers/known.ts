// How what is known of a customer is put.

import type { Axis, Customer } from "../../api/shapes.ts";
import { money } from "../../parts/format.ts";

/** Whether an axis divides the customers: where all are in one segment, nobody is clearly or faintly of it. */
export function divides(axis: Pick<Axis, "memberships">): boolean {
  return (axis.memberships?.length ?? 0) > 1;
}

type Ltv = Pick<NonNullable<Customer["ltv"]>, "value" | "low" | "high" | "currency">;

/** What goes with the expected spend: its likely span, which says little where the mean is an end of it. */
export function spanOf({ value, low, high, currency }: Ltv): string {
  const mean = value ?? 0;
  if (low === null || low === undefined || high === null || high === undefined) return "";
  if (low === high) return "";
  if (mean >= high) return ` on average; most spend less, from ${money(low, currency)} on`;
  if (mean <= low) return ` on average; most spend more, up to ${money(high, currency)}`;
  return `, most likely between ${money(low, currency)} and ${money(high, currency)}`;
}

/** Whom a search meant: who has just this id, or the only one who was found. */
export function meant<T extends { id: string }>(found: T[], typed: string): T | undefined {
  return found.find(({ id }) => id === typed) ?? (found.length === 1 ? found[0] : undefined);
}
