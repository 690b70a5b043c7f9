// Requests about the help desk. What this version's api.d.ts does not describe yet goes by later.ts.

import { answer, answerAs, client } from "../../api/client.ts";
import { call } from "../../api/later.ts";
import type { Job, Page } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";

export type Sync = components["schemas"]["SyncView"];
export type Connection = {
  is_connected: boolean;
  base_url: string | null;
  email: string | null;
  verification: "token" | "hmac" | null;
  secrets: number;
  problem: string | null;
  last_delivery_at: string | null;
};
export type ConnectionWanted = {
  base_url: string;
  email: string;
  api_key?: string;
  verification?: { mode: "token" | "hmac"; secret: string; keeps_before: boolean };
};
export type Difference = {
  ticket_id: string;
  field: string;
  ours: unknown;
  theirs: unknown;
  merged: unknown;
  found_at: string;
};

export const helpDeskKey = ["help-desk"];

export const connection = (signal: AbortSignal) => call<Connection>("GET", "/api/gorgias/connection", { signal });
export const saveConnection = (body: ConnectionWanted) => call<Connection>("PUT", "/api/gorgias/connection", { body });
export const sync = (signal: AbortSignal) => answer(client.GET("/api/gorgias/sync", { signal }));
export const compareNow = () => answer(client.POST("/api/gorgias/sync"));
export const differences = (cursor: string | undefined, signal: AbortSignal) =>
  answerAs<Page<Difference>>(
    client.GET("/api/gorgias/differences", { params: { query: { cursor, limit: 50 } }, signal }),
  );
export const job = (id: string, signal: AbortSignal) =>
  answerAs<Job>(client.GET("/api/jobs/{id}", { params: { path: { id } }, signal }));
