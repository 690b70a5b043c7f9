// Requests about Slack: workspaces, rules of what is told where, and what was told.

import { queryOptions } from "@tanstack/react-query";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";

export type Workspace = {
  id: string;
  team_id: string;
  team_name: string;
  scopes: string[];
  state: "connected" | "revoked";
  state_reason: string | null;
  installed_at: string;
  waiting: number;
  last_sent_at: string | null;
};

export type Rule = {
  id: string;
  workspace_id: string;
  channel: string;
  events: string[];
  is_on: boolean;
  /** Minutes of the day. */
  quiet_from: number | null;
  quiet_to: number | null;
  timezone: string;
  digest_minutes: number;
  updated_at: string;
};

export type Alert = {
  id: string;
  rule_id: string;
  channel: string;
  type: string;
  state: "waiting" | "sent" | "failed";
  error: string | null;
  created_at: string;
  ended_at: string | null;
};

export type NewRule = components["schemas"]["NewAlertRule"];
export type RuleChange = components["schemas"]["AlertRuleChange"];

export const SLACK = ["slack"];
export const RULES = [...SLACK, "rules"];
const WORKSPACES = [...SLACK, "workspaces"];
export const ALERTS = [...SLACK, "alerts"];

const of = (id: string) => ({ params: { path: { id } } });

export const workspacesQuery = queryOptions({
  queryKey: WORKSPACES,
  queryFn: ({ signal }) => answerAs<{ items: Workspace[] }>(client.GET("/api/slack/workspaces", { signal })),
});

export const rulesQuery = queryOptions({
  queryKey: RULES,
  queryFn: ({ signal }) => answerAs<{ items: Rule[] }>(client.GET("/api/slack/rules", { signal })),
});

export function alerts(cursor: string | undefined, signal: AbortSignal) {
  const call = client.GET("/api/slack/alerts", { params: { query: { cursor, limit: 20 } }, signal });
  return answerAs<Page<Alert>>(call);
}

export const install = () => answer(client.POST("/api/slack/install"));
export const disconnect = (id: string) => answer(client.DELETE("/api/slack/workspaces/{id}", of(id)));
export const makeRule = (body: NewRule) => answerAs<Rule>(client.POST("/api/slack/rules", { body }));
export const changeRule = (id: string, body: RuleChange) =>
  answerAs<Rule>(client.PATCH("/api/slack/rules/{id}", { ...of(id), body }));
export const removeRule = (id: string) => answer(client.DELETE("/api/slack/rules/{id}", of(id)));
export const tryRule = (id: string) => answer(client.POST("/api/slack/rules/{id}/test", of(id)));
