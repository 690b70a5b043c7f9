// What was delivered, by filters in the address: to every endpoint, or to one of them.

import { Button, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Age } from "../../parts/Age.tsx";
import { useFilters } from "../../parts/filters.ts";
import { count } from "../../parts/format.ts";
import { LIVE_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State, type Tone } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { catalogueQuery } from "../events/calls.ts";
import { DELIVERIES, type Delivery, deliveries, type Endpoint, endpointsQuery } from "./calls.ts";
import { asked } from "./filter.ts";
import { ReplayDialog } from "./ReplayDialog.tsx";
import { STATES, TEXTS } from "./texts.ts";

export const TONES: Record<string, Tone> = { waiting: "calm", delivered: "good", failed: "bad", waits: "warn" };

export function Deliveries() {
  return (
    <Screen title={TEXTS.all} note={TEXTS.deliveriesNote}>
      <DeliveryList />
    </Screen>
  );
}

/** The list with its filters. */
export function DeliveryList({ endpoint }: { endpoint?: Endpoint }) {
  const [filters, change] = useFilters();
  const [isReplaying, setReplaying] = useState(false);
  const session = useQuery(sessionQuery);
  const catalogue = useQuery(catalogueQuery);
  const endpoints = useQuery({ ...endpointsQuery, enabled: !endpoint });
  const query = asked(filters, endpoint?.id);
  const pages = usePages<Delivery>(
    [...DELIVERIES, "list", query],
    (cursor, signal) => deliveries(query, cursor, signal),
    LIVE_MS,
  );
  const urlOf = (id: string) => endpoints.data?.items.find((one) => one.id === id)?.url;
  const columns: Column<Delivery>[] = [
    {
      head: TEXTS.event,
      cell: (delivery) => (
        <Link to="/manage/webhooks/deliveries/$id" params={{ id: delivery.id }} className="mono">
          {delivery.type}
        </Link>
      ),
    },
    ...(endpoint
      ? []
      : [
          {
            head: TEXTS.to,
            isWide: true,
            cell: (delivery: Delivery) =>
              urlOf(delivery.endpoint_id) ?? <span className="quiet">{endpoints.data ? TEXTS.gone : "…"}</span>,
          },
        ]),
    {
      head: TEXTS.state,
      cell: (delivery) => (
        <State name={delivery.state} tone={TONES[delivery.state] ?? "none"}>
          {STATES[delivery.state]}
        </State>
      ),
    },
    {
      head: TEXTS.answer,
      isWide: true,
      cell: (delivery) =>
        delivery.last_error ?? delivery.last_status ?? <span className="quiet">{TEXTS.noAnswer}</span>,
    },
    { head: TEXTS.attempts, isNumber: true, cell: (delivery) => count(attemptsOf(delivery)) },
    { head: TEXTS.next, cell: (delivery) => <Age at={delivery.next_at} /> },
    { head: TEXTS.made, cell: (delivery) => <Age at={delivery.created_at} /> },
  ];
  return (
    <>
      <div className="filters">
        {!endpoint && (
          <Select
            label={TEXTS.head}
            placeholder={TEXTS.anyEndpoint}
            clearable
            data={endpoints.data?.items.map((one) => ({ value: one.id, label: one.url })) ?? []}
            value={filters.endpoint ?? null}
            onChange={(value) => change({ endpoint: value })}
          />
        )}
        <Select
          label={TEXTS.event}
          placeholder={TEXTS.anyEvent}
          clearable
          searchable
          data={catalogue.data?.events.map((event) => event.type) ?? (filters.type ? [filters.type] : [])}
          value={filters.type ?? null}
          onChange={(type) => change({ type })}
        />
        <Select
          label={TEXTS.state}
          placeholder={TEXTS.anyState}
          clearable
          data={["waiting", "delivered", "failed"].map((value) => ({ value, label: STATES[value] ?? value }))}
          value={filters.state ?? null}
          onChange={(state) => change({ state })}
        />
        {(["from", "to"] as const).map((name) => (
          <TextInput
            key={name}
            label={name === "from" ? TEXTS.from : TEXTS.until}
            type="date"
            value={filters[name] ?? ""}
            onChange={(event) => change({ [name]: event.currentTarget.value })}
          />
        ))}
        {may(session.data, "settings:write") && (
          <Button variant="default" onClick={() => setReplaying(true)}>
            {TEXTS.replayMany}
          </Button>
        )}
      </div>
      <Body query={pages.query}>
        {() =>
          pages.rows?.length ? (
            <Rows
              label={TEXTS.deliveries}
              columns={columns}
              rows={pages.rows}
              rowKey={(delivery) => delivery.id}
              onMore={pages.onMore}
              isLoadingMore={pages.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.deliveriesEmpty}>{TEXTS.deliveriesEmptyNote}</Empty>
          )
        }
      </Body>
      {isReplaying && <ReplayDialog filters={filters} endpoint={endpoint} onClose={() => setReplaying(false)} />}
    </>
  );
}

/** `attempts` are those that failed; one that arrived was one more. */
export function attemptsOf(delivery: Pick<Delivery, "attempts" | "state">): number {
  return delivery.attempts + (delivery.state === "delivered" ? 1 : 0);
}
