// What the API says of promises; its description leaves these open.

import type { Priority } from "../policies/shapes.ts";

export type ClockKind = "first_response" | "next_response" | "resolution" | "first_resolution";

export type Group = {
  by: "all" | "day" | "department" | "agent" | "priority" | "channel";
  key: string | null;
  kind: ClockKind;
  ended: number;
  met: number;
  missed: number;
  calendar_median_secs: number | null;
  calendar_p90_secs: number | null;
  business_median_secs: number | null;
  business_p90_secs: number | null;
  one_touch: number;
  compliance: number | null;
  rows: Record<string, string>;
};

export type Dashboard = {
  from: string;
  to: string;
  zone: string;
  groups: Group[];
  backlog: { day: string; tickets: number }[];
  breached_now: { count: number };
};

export type ListedClock = {
  ticket_id: string;
  number: number;
  subject: string | null;
  status: string;
  priority: Priority;
  channel: string;
  department: string | null;
  assignee_id: string | null;
  kind: ClockKind;
  seq: number;
  state: string;
  standing: string;
  verdict: string | null;
  started_at: string;
  due_at: string | null;
  ended_at: string | null;
  target_minutes: number | null;
  why?: { words: string; over_by_secs: number };
};

export const KINDS: Record<ClockKind, string> = {
  first_response: "First answer",
  next_response: "Next answer",
  resolution: "Solution",
  first_resolution: "First solution",
};
