// A policy as people edit it. The API's description leaves conditions and targets open.

import type { ClockKind } from "../sla/shapes.ts";

export type Priority = "urgent" | "high" | "normal" | "low";
export const PRIORITIES: Priority[] = ["urgent", "high", "normal", "low"];

export type Goal = { minutes: number; time: "calendar" | "business" };
export type Targets = Partial<Record<Priority, Partial<Record<ClockKind, Goal>>>>;

export type Conditions = {
  channels: string[];
  priorities: Priority[];
  tags: string[];
  departments: string[];
  customer_tiers: string[];
};

export type Policy = {
  id: string;
  version: number;
  position: number;
  valid_from: string;
  name: string;
  conditions: Conditions;
  targets: Targets;
  calendar_id: string | null;
  pause_while_pending: ClockKind[];
  updated_at: string;
};

export type Outlook = {
  at: string;
  priority: Priority;
  fits: boolean;
  clocks: {
    kind: ClockKind;
    target_minutes: number;
    time: string;
    due_at: string | null;
    warn_at: string | null;
    words: string;
  }[];
};

/** Whom a policy is for, in a sentence. */
export function forWhom(conditions: Conditions): string {
  const parts = [
    list(conditions.channels, "by"),
    list(conditions.priorities, "of priority"),
    list(conditions.tags, "tagged"),
    list(conditions.departments, "for"),
    list(conditions.customer_tiers, "of customers of tier"),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "Every ticket" : `Tickets ${parts.join(", ")}`;
}

function list(values: string[], before: string): string {
  return values.length === 0 ? "" : `${before} ${values.join(" or ")}`;
}
