// Requests about using a macro on a ticket.

import { client } from "../../api/client.ts";
import type { Action } from "../../manage/rules/calls.ts";
import { once, toldAs } from "../calls.ts";

// The description leaves open what acts hold.
export type Preview = { language: string; text: string; empty: string[]; actions: Action[] };
export type Used = {
  message_id: string | null;
  /** Why the reply has no way to leave. */
  not_sent_because: string | null;
  /** What was not done beside for that. */
  left_out: Action[];
};

/** What a macro would say and do; nothing is done. */
export const preview = (macro: string, ticket: string, signal: AbortSignal) =>
  toldAs<Preview>(
    client.POST("/api/macros/{id}/preview", {
      params: { path: { id: macro } },
      body: { ticket_id: ticket },
      signal,
    }),
  );

/** Reply and what happens beside, in one step or not at all. Sent again with the same key it is done once. */
export const use = (
  macro: string,
  body: { ticket_id: string; text: string; last_seen_message_id: string | null },
  key: string,
) =>
  toldAs<Used>(
    client.POST("/api/macros/{id}/apply", { params: { path: { id: macro }, header: once(key) } as never, body }),
  );
