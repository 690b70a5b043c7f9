// Requests about API keys.

import { answer, answerAs, client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";

export type ApiKey = {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
};

type NewKey = { name: string; scopes: string[]; expires_at: string | null };

export function list(cursor: string | undefined, signal: AbortSignal) {
  return answerAs<Page<ApiKey>>(client.GET("/api/keys", { params: { query: { cursor, limit: 50 } }, signal }));
}

export function make(key: NewKey) {
  return answer(client.POST("/api/keys", { body: key }));
}

export function revoke(id: string) {
  return answer(client.DELETE("/api/keys/{id}", { params: { path: { id } } }));
}
