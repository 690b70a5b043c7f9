// A policy while it is typed, and what of it can be sent.

import { type ClockKind, KINDS } from "../sla/shapes.ts";
import { readMinutes, writeMinutes } from "./minutes.ts";
import { type Goal, type Policy, PRIORITIES, type Priority, type Targets } from "./shapes.ts";

export type TypedGoal = { text: string; isBusiness: boolean };
export type TypedTargets = Record<Priority, Record<ClockKind, TypedGoal>>;

export type Form = {
  name: string;
  priorities: Priority[];
  channels: string[];
  tags: string[];
  departments: string[];
  tiers: string[];
  targets: TypedTargets;
  calendar: string | null;
  pauses: ClockKind[];
  from: string;
};

export type Wanted = { body: Record<string, unknown>; faults: string[] };

const CLOCKS = Object.keys(KINDS) as ClockKind[];
const USUAL: Record<Priority, [number, number]> = {
  urgent: [30, 480],
  high: [120, 1_440],
  normal: [480, 2_880],
  low: [1_440, 10_080],
};

/** A new policy begins with what holds without any. */
export function formOf(known: Policy | null): Form {
  const targets = known?.targets ?? usual();
  return {
    name: known?.name ?? "",
    priorities: known?.conditions.priorities ?? [],
    channels: known?.conditions.channels ?? [],
    tags: known?.conditions.tags ?? [],
    departments: known?.conditions.departments ?? [],
    tiers: known?.conditions.customer_tiers ?? [],
    targets: Object.fromEntries(
      PRIORITIES.map((priority) => [
        priority,
        Object.fromEntries(CLOCKS.map((kind) => [kind, typed(targets[priority]?.[kind])])),
      ]),
    ) as TypedTargets,
    calendar: known?.calendar_id ?? null,
    pauses: known?.pause_while_pending ?? ["resolution", "first_resolution"],
    from: "",
  };
}

export function read(form: Form): Wanted {
  const faults: string[] = [];
  const targets: Record<string, Record<string, Goal>> = {};
  for (const priority of PRIORITIES) {
    for (const kind of CLOCKS) {
      const { text, isBusiness } = form.targets[priority][kind];
      const minutes = readMinutes(text);
      if (minutes === undefined) faults.push(`${priority} ${kind}`);
      if (!minutes) continue;
      targets[priority] ??= {};
      (targets[priority] as Record<string, Goal>)[kind] = { minutes, time: isBusiness ? "business" : "calendar" };
    }
  }
  if (form.name.trim() === "") faults.push("name");
  const body = {
    name: form.name.trim() || "New policy",
    conditions: {
      priorities: form.priorities,
      channels: form.channels,
      tags: form.tags,
      departments: form.departments,
      customer_tiers: form.tiers,
    },
    targets,
    pause_while_pending: form.pauses,
    ...(form.calendar ? { calendar_id: form.calendar } : {}),
    ...(form.from ? { valid_from: new Date(form.from).toISOString() } : {}),
  };
  return { body, faults };
}

function usual(): Targets {
  const goal = (minutes: number): Goal => ({ minutes, time: "calendar" });
  return Object.fromEntries(
    PRIORITIES.map((priority) => {
      const [first, solved] = USUAL[priority];
      return [priority, { first_response: goal(first), resolution: goal(solved) }];
    }),
  );
}

function typed(goal: Goal | undefined): TypedGoal {
  return { text: writeMinutes(goal?.minutes), isBusiness: goal?.time === "business" };
}
