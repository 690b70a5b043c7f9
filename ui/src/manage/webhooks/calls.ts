// Requests about webhook endpoints and what was delivered to them.

import { queryOptions } from "@tanstack/react-query";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";

export type Standing = "active" | "paused" | "disabled";

export type Endpoint = {
  id: string;
  url: string;
  description: string;
  events: string[];
  ordered: boolean;
  state: Standing;
  state_reason: string | null;
  state_since: string;
  old_secret_until: string | null;
  failing_since: string | null;
  failures: number;
  last_success_at: string | null;
  created_at: string;
  updated_at: string;
  waiting: number;
};

export type Wanted = { url: string; description: string; events: string[]; ordered: boolean };

export type Delivery = {
  id: string;
  endpoint_id: string;
  event_id: string;
  type: string;
  state: "waiting" | "delivered" | "failed";
  attempts: number;
  waits: number;
  next_at: string | null;
  circuit_until: string | null;
  last_status: number | null;
  last_error: string | null;
  created_at: string;
  ended_at: string | null;
  replay_of: string | null;
};

export type Exchange = {
  at: string;
  took_ms: number;
  outcome: string;
  status: number | null;
  error: string | null;
  request_headers: Record<string, unknown>;
  response_headers: Record<string, unknown>;
  response_body: string | null;
};

export type Shown = Delivery & { request_body: unknown; requests: Exchange[] };
export type ReplayFilter = components["schemas"]["ReplayFilter"];
export type Replayed = components["schemas"]["Replayed"];

export const ENDPOINTS = ["outbound", "endpoints"];
export const DELIVERIES = ["outbound", "deliveries"];

const of = (id: string) => ({ params: { path: { id } } });

export const endpointsQuery = queryOptions({
  queryKey: ENDPOINTS,
  queryFn: ({ signal }) => answerAs<{ items: Endpoint[] }>(client.GET("/api/outbound/endpoints", { signal })),
});

export const endpointQuery = (id: string) =>
  queryOptions({
    queryKey: [...ENDPOINTS, id],
    queryFn: ({ signal }) => answerAs<Endpoint>(client.GET("/api/outbound/endpoints/{id}", { ...of(id), signal })),
  });

export const make = (body: Wanted) =>
  answerAs<Endpoint & { secret: string }>(client.POST("/api/outbound/endpoints", { body }));
export const change = (id: string, body: Partial<Wanted>) =>
  answerAs<Endpoint>(client.PATCH("/api/outbound/endpoints/{id}", { ...of(id), body }));
export const remove = (id: string) => answer(client.DELETE("/api/outbound/endpoints/{id}", of(id)));
export const renewSecret = (id: string) =>
  answerAs<{ secret: string }>(client.POST("/api/outbound/endpoints/{id}/rotate-secret", of(id)));
export const pause = (id: string) => answerAs<Endpoint>(client.POST("/api/outbound/endpoints/{id}/pause", of(id)));
export const resume = (id: string) => answerAs<Endpoint>(client.POST("/api/outbound/endpoints/{id}/resume", of(id)));
export const disable = (id: string) => answerAs<Endpoint>(client.POST("/api/outbound/endpoints/{id}/disable", of(id)));
export const tryOut = (id: string) => answer(client.POST("/api/outbound/endpoints/{id}/test", of(id)));

export function deliveries(query: Record<string, string>, cursor: string | undefined, signal: AbortSignal) {
  const call = client.GET("/api/outbound/deliveries", { params: { query: { ...query, cursor, limit: 50 } }, signal });
  return answerAs<Page<Delivery>>(call);
}

export const deliveryQuery = (id: string) =>
  queryOptions({
    queryKey: [...DELIVERIES, id],
    queryFn: ({ signal }) => answerAs<Shown>(client.GET("/api/outbound/deliveries/{id}", { ...of(id), signal })),
  });

export type Sent = { next_at: string; brought_forward: boolean; waits_for: "circuit" | null };

/** What waits for its next attempt is tried at once, or as soon as its endpoint gets anything. */
export const sendNow = (id: string) => answerAs<Sent>(client.POST("/api/outbound/deliveries/{id}/send", of(id)));
export const replay = (id: string) => answer(client.POST("/api/outbound/deliveries/{id}/replay", of(id)));
export const replayMany = (body: ReplayFilter) => answer(client.POST("/api/outbound/deliveries/replay", { body }));
