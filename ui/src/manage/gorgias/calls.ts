// Requests about the help desk.

import { answer, answerAs, client } from "../../api/client.ts";
import type { Job, Page } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";

export type Sync = components["schemas"]["SyncView"];
export type Connection = components["schemas"]["ConnectionView"];
export type ConnectionWanted = components["schemas"]["ConnectionForm"];
/** Values are described as objects, and are texts, numbers, lists or nothing. */
export type Difference = {
  ticket_id: string;
  field: string;
  ours: unknown;
  theirs: unknown;
  merged: unknown;
  found_at: string;
};

export const helpDeskKey = ["help-desk"];

export const connection = (signal: AbortSignal) => answer(client.GET("/api/gorgias/connection", { signal }));
export const saveConnection = (body: ConnectionWanted) => answer(client.PUT("/api/gorgias/connection", { body }));
export const sync = (signal: AbortSignal) => answer(client.GET("/api/gorgias/sync", { signal }));
export const compareNow = () => answer(client.POST("/api/gorgias/sync"));
export const differences = (cursor: string | undefined, signal: AbortSignal) =>
  answerAs<Page<Difference>>(
    client.GET("/api/gorgias/differences", { params: { query: { cursor, limit: 50 } }, signal }),
  );
export const job = (id: string, signal: AbortSignal) =>
  answerAs<Job>(client.GET("/api/jobs/{id}", { params: { path: { id } }, signal }));
