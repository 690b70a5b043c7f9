// What was new when a reply was refused, because its writer had not seen it: a reply, or that of a macro.

import type { Refusal } from "../calls.ts";
import type { Message } from "../shapes.ts";

/** `beside` is what the writer had seen until then; `version` is that of the text which the server keeps. */
export type News = { messages: Message[]; last: string | null; version: number | null; beside: string | null };

/** What a refusal says is new; null of one that was refused for something else. */
export function newsOf(refusal: Pick<Refusal, "status" | "field" | "document">, beside: string | null): News | null {
  if (refusal.status !== 409 || refusal.field !== "last_seen_message_id") return null;
  const { new_messages: messages, last_message_id: last, reply_text: kept } = refusal.document;
  const version = (kept as { version?: number } | null | undefined)?.version;
  return {
    messages: Array.isArray(messages) ? (messages as Message[]) : [],
    last: typeof last === "string" ? last : null,
    version: version ?? null,
    beside,
  };
}

/** What was shown with the refusal is seen, until more of the conversation is. */
export function seenWith(news: News | null, lastSeen: string | null): string | null {
  return news && news.beside === lastSeen ? news.last : lastSeen;
}
