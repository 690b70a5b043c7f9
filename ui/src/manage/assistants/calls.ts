// Requests about connections of assistants.

import { answer, answerAs, client, documentAt } from "../../api/client.ts";
import type { AuditLine, Page } from "../../api/shapes.ts";

export type Metadata = { resource: string; scopes_supported: string[] };

/** Where clients come in, as the server itself tells them. */
export function metadata(signal: AbortSignal) {
  return documentAt<Metadata>("/.well-known/oauth-protected-resource/mcp", signal);
}

export function tools(signal: AbortSignal) {
  return answer(client.GET("/api/mcp/tools", { signal }));
}

/** Who looked at customers' data lately, over the protocol among others. */
export function looks(signal: AbortSignal) {
  const query = { action: "customer-data.view", limit: 100 };
  return answerAs<Page<AuditLine>>(client.GET("/api/audit", { params: { query }, signal }));
}
