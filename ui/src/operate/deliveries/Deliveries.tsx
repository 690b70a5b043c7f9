// Deliveries of the help desk, with their decision and their remarks.

import { Checkbox, Select } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";
import { Age } from "../../parts/Age.tsx";
import { useFilters } from "../../parts/filters.ts";
import { count, shortId, words } from "../../parts/format.ts";
import { LIVE_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { Typed } from "../jobs/Jobs.tsx";
import { TEXTS } from "./texts.ts";

type Delivery = components["schemas"]["DeliveryView"];

const COLUMNS: Column<Delivery>[] = [
  {
    head: "Delivery",
    cell: (delivery) => (
      <Link to="/operate/deliveries/$id" params={{ id: delivery.id }}>
        {words(delivery.event_type ?? delivery.provider)}
      </Link>
    ),
  },
  { head: "Decision", cell: (delivery) => <State name={delivery.decision} /> },
  {
    head: "Why",
    isWide: true,
    cell: (delivery) => (delivery.skip_reason ? words(delivery.skip_reason) : <span className="quiet">–</span>),
  },
  {
    head: "Ticket",
    cell: (delivery) =>
      delivery.ticket_id ? (
        <Link
          to="/operate/deliveries"
          search={{ ticket_id: delivery.ticket_id }}
          className="mono"
          title={delivery.ticket_id}
        >
          {shortId(delivery.ticket_id)}
        </Link>
      ) : (
        "–"
      ),
  },
  { head: "Remarks", isNumber: true, cell: (delivery) => count(delivery.remarks.length) },
  {
    head: "Job",
    cell: (delivery) =>
      delivery.job_id ? (
        <Link to="/operate/jobs/$id" params={{ id: delivery.job_id }}>
          its job
        </Link>
      ) : (
        "–"
      ),
  },
  { head: "Received", cell: (delivery) => <Age at={delivery.received_at} /> },
];

export function Deliveries() {
  const [filters, change] = useFilters();
  const query = {
    decision: filters.decision,
    ticket_id: filters.ticket_id,
    has_remarks: filters.has_remarks === "true" ? true : undefined,
  };
  const list = usePages<Delivery>(
    ["deliveries", query],
    (cursor, signal) =>
      answer(
        client.GET("/api/webhooks/deliveries", { params: { query: { ...query, cursor, limit: 50 } as never }, signal }),
      ),
    LIVE_MS,
  );
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]}>
      <div className="filters">
        <Select
          label="Decision"
          placeholder="Any"
          clearable
          data={["queued", "skipped"]}
          value={filters.decision ?? null}
          onChange={(decision) => change({ decision })}
        />
        <Typed label="Ticket" value={filters.ticket_id} onChange={(ticket_id) => change({ ticket_id })} />
        <Checkbox
          label="Only with remarks"
          checked={filters.has_remarks === "true"}
          onChange={(event) => change({ has_remarks: event.currentTarget.checked ? "true" : null })}
          py={6}
        />
      </div>
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(delivery) => delivery.id}
              onMore={list.onMore}
              isLoadingMore={list.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}
