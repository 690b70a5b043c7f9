// The agent's workspace: queue, conversation, customer.

import "./desk.css";
import { Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useFilters } from "../parts/filters.ts";
import { sessionQuery } from "../shell/session.ts";
import { CustomerPane } from "./customer/CustomerPane.tsx";
import { useLooking } from "./live/presence.ts";
import { type Pane, Panes } from "./panes/Panes.tsx";
import { useDeskEvents } from "./queries.ts";
import { Queue } from "./queue/Queue.tsx";
import { TEXTS } from "./texts.ts";
import { TicketPane } from "./ticket/TicketPane.tsx";

export function Desk() {
  const [search, change] = useFilters();
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const open = search.ticket;
  useDeskEvents();
  useLooking(open ?? null, session.data?.isKey === false);
  useEffect(() => {
    if (!open) document.title = `${TEXTS.queue} · Deskwork`;
  }, [open]);
  const go = (changes: Record<string, string | undefined>) => {
    const wanted = Object.entries({ ...search, ...changes }).filter(([, value]) => value !== undefined);
    void navigate({ to: "/desk", search: Object.fromEntries(wanted) as never });
  };
  const pane: Pane = !open ? "queue" : search.pane === "customer" ? "customer" : "conversation";
  return (
    <Panes
      shown={pane}
      queue={
        <Queue search={search} open={open} onChange={change} onOpen={(ticket) => go({ ticket, pane: undefined })} />
      }
      conversation={
        open ? (
          <TicketPane
            key={open}
            id={open}
            isAside={pane === "customer"}
            onLeave={() => go({ ticket: undefined, pane: undefined })}
            onCustomer={() => go({ pane: "customer" })}
            onOpen={(ticket) => go({ ticket, pane: undefined })}
          />
        ) : (
          <div className="desk-pick">
            <Title order={2} size="h5">
              {TEXTS.pick}
            </Title>
            <Text size="sm" className="quiet">
              {TEXTS.pickNote}
            </Text>
          </div>
        )
      }
      customer={
        open ? <CustomerPane key={open} id={open} search={search} onBack={() => go({ pane: undefined })} /> : null
      }
    />
  );
}
