// Requests about rules. Spelled out here until this version's api.d.ts has them.

import { call } from "../../api/later.ts";
import type { Page } from "../../api/shapes.ts";

export type Action = { do: string; [name: string]: unknown };
export type Tree = { all: Tree[] } | { any: Tree[] } | { field: string; op: string; value?: unknown };

export type RuleBody = {
  name: string;
  event: string;
  after_minutes: number | null;
  conditions: Tree;
  unless: Tree | null;
  actions: Action[];
  hourly_budget: number;
};

export type Rule = RuleBody & {
  id: string;
  position: number;
  version: number;
  is_on: boolean;
  on_since: string | null;
  off_reason: string | null;
  off_at: string | null;
  problem: string | null;
  updated_at: string;
};

export type Field = { name: string; kind: string; choices: string[]; about: string };
export type Words = {
  events: string[];
  fields: Field[];
  comparisons: Record<string, string[]>;
  actions: Action[];
  variables: { name: string; about?: string }[];
};

export type Run = {
  id: string;
  version: number;
  ticket_id: string;
  event: string;
  at: string;
  outcome: string;
  results: unknown;
  done: unknown;
  problem: string | null;
};

export type Hit = { seq: number; ticket_id: string; at: string; results: unknown; actions: unknown };
export type DryRun = Page<Hit> & {
  dry_run: {
    id: string;
    state: string;
    from_at: string;
    until_at: string;
    events: number;
    fired: number;
    problem: string | null;
  };
};

type Cursor = string | undefined;
const PATH = "/api/rules";

export const rules = (signal: AbortSignal) => call<{ items: Rule[] }>("GET", PATH, { signal });
export const rule = (id: string, signal: AbortSignal) => call<Rule>("GET", `${PATH}/${id}`, { signal });
export const vocabulary = (signal: AbortSignal) => call<Words>("GET", `${PATH}/fields`, { signal });
export const makeRule = (body: RuleBody) => call<Rule>("POST", PATH, { body });
export const changeRule = (known: Rule, body: RuleBody) =>
  call<Rule>("PUT", `${PATH}/${known.id}`, { body, headers: { "If-Match": `"${known.version}"` } });
export const removeRule = (id: string) => call<null>("DELETE", `${PATH}/${id}`);
export const switchRule = (id: string, isOn: boolean) => call<Rule>("POST", `${PATH}/${id}/${isOn ? "on" : "off"}`);
export const orderRules = (ids: string[]) => call<{ items: Rule[] }>("POST", `${PATH}/order`, { body: { rules: ids } });

export const runs = (id: string, cursor: Cursor, signal: AbortSignal) =>
  call<Page<Run>>("GET", `${PATH}/${id}/runs`, { query: { cursor, limit: 20 }, signal });
export const tryRule = (id: string, days: number, body: RuleBody) =>
  call<{ dry_run_id: string; job_id: string }>("POST", `${PATH}/${id}/dry-run`, { body: { days, rule: body } });
export const dryRun = (id: string, run: string, cursor: Cursor, signal: AbortSignal) =>
  call<DryRun>("GET", `${PATH}/${id}/dry-runs/${run}`, { query: { cursor, limit: 50 }, signal });
