// Requests about rules.

import { answer, answerAs, client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";

type Schemas = components["schemas"];

// The description leaves open what acts, conditions, words, runs and trials hold.
export type Action = { do: string; [name: string]: unknown };
export type Tree = { all: Tree[] } | { any: Tree[] } | { field: string; op: string; value?: unknown };

export type RuleBody = Omit<Schemas["RuleBody"], "conditions" | "unless" | "actions"> & {
  conditions: Tree;
  unless: Tree | null;
  actions: Action[];
};

/** Named here, because the API describes another thing under the same name. */
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
/** A field of the shop's own: text, number, boolean, date or choice. */
export type OwnField = { name: string; kind: string; choices: string[]; label: string };
export type Words = {
  events: string[];
  fields: Field[];
  own_fields: OwnField[];
  /** Words that a field can have, where its choices do not list them. */
  values: Record<string, string[]>;
  comparisons: Record<string, string[]>;
  actions: Action[];
  variables: { name: string; about: string }[];
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

const of = (id: string) => ({ path: { id } });

export const rules = (signal: AbortSignal) => answerAs<{ items: Rule[] }>(client.GET("/api/rules", { signal }));
export const rule = (id: string, signal: AbortSignal) =>
  answerAs<Rule>(client.GET("/api/rules/{id}", { params: of(id), signal }));
export const vocabulary = (signal: AbortSignal) => answerAs<Words>(client.GET("/api/rules/fields", { signal }));
export const makeRule = (body: RuleBody) => answerAs<Rule>(client.POST("/api/rules", { body: body as never }));
export const changeRule = (known: Rule, body: RuleBody) =>
  answerAs<Rule>(
    client.PUT("/api/rules/{id}", {
      params: { ...of(known.id), header: { "If-Match": `"${known.version}"` } },
      body: body as never,
    }),
  );
export const removeRule = (id: string) => answer(client.DELETE("/api/rules/{id}", { params: of(id) }));
export const switchRule = (id: string, isOn: boolean) =>
  answerAs<Rule>(client.POST(isOn ? "/api/rules/{id}/on" : "/api/rules/{id}/off", { params: of(id) }));
export const orderRules = (ids: string[]) =>
  answerAs<{ items: Rule[] }>(client.POST("/api/rules/order", { body: { rules: ids } }));

export const runs = (id: string, cursor: Cursor, signal: AbortSignal) =>
  answerAs<Page<Run>>(
    client.GET("/api/rules/{id}/runs", { params: { ...of(id), query: { cursor, limit: 20 } }, signal }),
  );
export const tryRule = (id: string, days: number, body: RuleBody) =>
  answer(client.POST("/api/rules/{id}/dry-run", { params: of(id), body: { days, rule: body as never } }));
export const dryRun = (id: string, run: string, cursor: Cursor, signal: AbortSignal) =>
  answerAs<DryRun>(
    client.GET("/api/rules/{id}/dry-runs/{dry_run_id}", {
      params: { path: { id, dry_run_id: run }, query: { cursor, limit: 50 } },
      signal,
    }),
  );
