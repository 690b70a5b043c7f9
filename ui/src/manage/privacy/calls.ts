// Requests about privacy.

import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";

type Schemas = components["schemas"];

export type PrivacyRequest = Schemas["PrivacyRequest"] & {
  /** How far an erasure is; null for an export. */
  steps?: { done: number; total: number } | null;
};
export type NewRequest = Schemas["NewPrivacyRequest"];
export type Retention = Schemas["RetentionRule"];

const PATH = "/api/privacy/requests";
export const privacyKey = ["privacy"];

export const requests = (state: string | undefined, cursor: string | undefined, signal: AbortSignal) =>
  answer(client.GET(PATH, { params: { query: { state: state || undefined, cursor, limit: 50 } }, signal }));
export const ask = (body: NewRequest) => answer(client.POST(PATH, { body }));
export const retention = (signal: AbortSignal) => answer(client.GET("/api/privacy/retention", { signal }));
export const keep = (kind: string, days: number | null) =>
  answer(client.PUT("/api/privacy/retention/{kind}", { params: { path: { kind } }, body: { keep_days: days } }));
export const archiveOf = (id: string) => `${PATH}/${id}/archive`;
export const certificateOf = (id: string) => `${PATH}/${id}/certificate`;
