// One ticket in the queue: who wants what, how long they have waited, who is at it.

import { Link } from "@tanstack/react-router";
import { since } from "../../parts/format.ts";
import { useNow } from "../../parts/now.ts";
import { State } from "../../parts/State.tsx";
import { ticketAddress } from "../address.ts";
import { dueOf } from "../clocks.ts";
import { useThere } from "../live/presence.ts";
import type { Ticket } from "../shapes.ts";
import { replyFault, TEXTS } from "../texts.ts";

type Props = {
  ticket: Ticket;
  isGone: boolean;
  isOpen: boolean;
  search: Record<string, string>;
  me: string | undefined;
  name: (id: string) => string;
};

export function TicketRow({ ticket, isGone, isOpen, search, me, name }: Props) {
  const now = useNow();
  const there = useThere(ticket.id, me);
  const told = dueOf(ticket, now);
  const fault = replyFault(ticket.reply_fault);
  const isUrgent = ticket.priority === "urgent" || ticket.priority === "high";
  return (
    <li className="desk-row" data-gone={isGone || undefined}>
      <Link
        to="/desk"
        search={ticketAddress(search, ticket.id) as never}
        className="desk-row-link"
        aria-current={isOpen ? "true" : undefined}
        data-ticket={ticket.id}
        preload={false}
      >
        <span className="desk-row-line">
          <strong className="desk-row-subject" dir="auto">
            {ticket.subject || "(no subject)"}
          </strong>
          <span className="quiet small nowrap">
            {since(ticket.last_message_at ?? ticket.created_at, now).replace(" ago", "")}
          </span>
        </span>
        <span className="desk-row-line small">
          <span className="quiet desk-row-who" dir="auto">
            {ticket.customer.name || ticket.customer.email || ticket.customer.id || "Nobody known"}
          </span>
          <span className="quiet nowrap">#{ticket.number}</span>
        </span>
        <span className="desk-row-line small">
          <State name={told.text} tone={told.tone}>
            {told.text}
          </State>
          <span className="desk-row-marks">
            {fault && <span className="desk-mark desk-mark-strong">{fault}</span>}
            {isUrgent && <span className="desk-mark desk-mark-strong">{ticket.priority}</span>}
            {ticket.assignee_id && (
              <span className="quiet desk-row-agent">
                {ticket.assignee_id === me ? "mine" : name(ticket.assignee_id)}
              </span>
            )}
          </span>
        </span>
        {there.length > 0 && (
          <span className="small desk-there">
            {there.map((person) => `${name(person.agent)} ${person.isTyping ? "writes" : "looks"}`).join(", ")}
          </span>
        )}
        {isGone && <span className="small quiet">{TEXTS.left}</span>}
      </Link>
    </li>
  );
}
