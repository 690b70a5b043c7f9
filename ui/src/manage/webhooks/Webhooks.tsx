// The tenant's webhook endpoints: where events go, how each stands and why.

import { Button, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { useFilters } from "../../parts/filters.ts";
import { count } from "../../parts/format.ts";
import { CALM_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { Listens } from "../events/EventPicker.tsx";
import { isPicked } from "../events/picking.ts";
import { ENDPOINTS, type Endpoint, endpointsQuery, resume } from "./calls.ts";
import { EndpointDialog } from "./EndpointDialog.tsx";
import { STATES, TEXTS } from "./texts.ts";

export function Webhooks() {
  const [filters, change] = useFilters();
  const session = useQuery(sessionQuery);
  const mayChange = may(session.data, "settings:write");
  const [isMaking, setMaking] = useState(false);
  const list = useQuery({ ...endpointsQuery, refetchInterval: CALM_MS });
  const goOn = useAct({
    run: (endpoint: Endpoint) => resume(endpoint.id),
    changes: [ENDPOINTS],
    done: () => TEXTS.resumed,
  });
  const { event } = filters;
  const columns: Column<Endpoint>[] = [
    {
      head: TEXTS.head,
      isWide: true,
      cell: (endpoint) => (
        <>
          <Link to="/manage/webhooks/$id" params={{ id: endpoint.id }}>
            {endpoint.url}
          </Link>
          {endpoint.description && <div className="quiet small">{endpoint.description}</div>}
        </>
      ),
    },
    { head: TEXTS.stands, isWide: true, cell: (endpoint) => <EndpointState endpoint={endpoint} /> },
    {
      head: TEXTS.listens,
      isWide: true,
      cell: (endpoint) => <Listens events={endpoint.events} />,
    },
    { head: TEXTS.arrived, cell: (endpoint) => <Age at={endpoint.last_success_at} /> },
    {
      head: TEXTS.waiting,
      isNumber: true,
      cell: (endpoint) => (
        <Link to="/manage/webhooks/$id" params={{ id: endpoint.id }} search={{ state: "waiting" } as never}>
          {count(endpoint.waiting)}
        </Link>
      ),
    },
    ...(mayChange
      ? [
          {
            head: "",
            cell: (endpoint: Endpoint) =>
              endpoint.state === "active" ? null : (
                <Button
                  variant="default"
                  aria-label={`${TEXTS.resume}: ${endpoint.url}`}
                  onClick={() => goOn.mutate(endpoint)}
                >
                  {TEXTS.resume}
                </Button>
              ),
          },
        ]
      : []),
  ];
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      queries={[list]}
      actions={
        <>
          <Button component={Link} to="/manage/webhooks/deliveries" variant="default">
            {TEXTS.all}
          </Button>
          {mayChange && <Button onClick={() => setMaking(true)}>{TEXTS.make}</Button>}
        </>
      }
    >
      {event && (
        <Group gap="xs">
          <span className="small">
            {TEXTS.listeningTo} <span className="mono">{event}</span>
          </span>
          <Button variant="default" onClick={() => change({ event: null })}>
            {TEXTS.showAll}
          </Button>
        </Group>
      )}
      <Body query={list}>
        {({ items }) => {
          const shown = event ? items.filter((endpoint) => isPicked(endpoint.events, event)) : items;
          if (shown.length > 0)
            return <Rows label={TEXTS.title} columns={columns} rows={shown} rowKey={(endpoint) => endpoint.id} />;
          if (items.length > 0) return <Empty title={TEXTS.noneListens}>{TEXTS.noneListensNote}</Empty>;
          return <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>;
        }}
      </Body>
      {isMaking && <EndpointDialog known={null} onClose={() => setMaking(false)} />}
    </Screen>
  );
}

const TONES = { active: "good", paused: "warn", disabled: "bad" } as const;

/** How an endpoint stands, why, and since when. */
export function EndpointState({ endpoint }: { endpoint: Endpoint }) {
  const { state, state_reason, state_since, failing_since, failures } = endpoint;
  const isFailing = state === "active" && failing_since !== null;
  return (
    <>
      <State name={state} tone={isFailing ? "warn" : TONES[state]}>
        {STATES[state]}
      </State>
      {state !== "active" && (
        <div className="small">
          {state_reason ? `${state_reason}, ` : ""}
          <Age at={state_since} />
        </div>
      )}
      {isFailing && (
        <div className="small">
          {count(failures)} {failures === 1 ? "attempt" : "attempts"} failed since <Age at={failing_since} />
        </div>
      )}
    </>
  );
}
