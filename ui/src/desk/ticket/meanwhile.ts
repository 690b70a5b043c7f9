// What another did to a ticket between two looks, in words: a refusal says what is so now and not only that it is otherwise.

import type { Ticket } from "../shapes.ts";

type Name = (id: string | null | undefined) => string;

/** What a refusal's document says of how the ticket is now; null when it says nothing of it. */
export function meanwhile(document: Record<string, unknown>, before: Ticket, name: Name): string | null {
  if (typeof document.merged_into === "string") return "It went on in another ticket";
  if (typeof document.agent_id === "string" && !("load" in document)) return `${name(document.agent_id)} has it now`;
  const now = document.current;
  if (typeof now !== "object" || now === null || !("status" in now)) return null;
  const changed = changes(before, now as Ticket, name);
  return changed.length > 0 ? changed.join("; ") : null;
}

function changes(before: Ticket, now: Ticket, name: Name): string[] {
  const said: string[] = [];
  if (now.status !== before.status) said.push(`It is ${now.status} now`);
  if ((now.message_count ?? 0) > (before.message_count ?? 0)) said.push("A message came");
  if ((now.assignee_id ?? null) !== (before.assignee_id ?? null))
    said.push(now.assignee_id ? `${name(now.assignee_id)} has it now` : "Nobody has it now");
  if (now.priority !== before.priority) said.push(`Its priority is ${now.priority}`);
  if (!now.snoozed_until !== !before.snoozed_until) said.push(now.snoozed_until ? "It sleeps" : "It is awake");
  if (now.tags?.join("\n") !== before.tags?.join("\n")) said.push("It has other tags");
  if ((now.subject ?? "") !== (before.subject ?? "")) said.push("Its subject is another");
  if (now.customer?.email !== before.customer?.email || now.customer?.id !== before.customer?.id)
    said.push("It is about another customer");
  if (now.is_spam !== before.is_spam) said.push(now.is_spam ? "It is marked as spam" : "It is no spam any more");
  return said;
}
