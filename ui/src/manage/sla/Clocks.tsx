// Tickets behind a number: at risk, past their time with the reason, or ended. The filters are those that the dashboard
// names.

import { Button, SegmentedControl, Select, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { useAgentNames } from "../../parts/agents.ts";
import { useFilters } from "../../parts/filters.ts";
import { duration, moment, words } from "../../parts/format.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { KINDS, type ListedClock } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

const LISTS = [
  { value: "at-risk", label: TEXTS.atRisk },
  { value: "breaches", label: TEXTS.breaches },
  { value: "ended", label: TEXTS.ended },
];
const PATHS = { "at-risk": "/api/sla/at-risk", breaches: "/api/sla/breaches", ended: "/api/sla/clocks" } as const;
const NONE = { "at-risk": TEXTS.noRisk, breaches: TEXTS.noBreach, ended: TEXTS.noClocks };
const FILTERS = ["kind", "verdict", "state", "department", "agent", "priority", "channel", "from", "to"];

export function Clocks() {
  const [filters, change] = useFilters();
  const names = useAgentNames();
  const list = (filters.list ?? "ended") as keyof typeof PATHS;
  const query = Object.fromEntries(FILTERS.flatMap((name) => (filters[name] ? [[name, filters[name]]] : [])));
  const pages = usePages<ListedClock>(
    ["sla", "clocks", list, query],
    (cursor, signal) =>
      answerAs<Page<ListedClock>>(
        client.GET(PATHS[list], { params: { query: { ...query, cursor, limit: 50 } as never }, signal }),
      ),
    CALM_MS,
  );
  const columns: Column<ListedClock>[] = [
    {
      head: "Ticket",
      isWide: true,
      cell: (clock) => (
        <>
          <Link to="/desk" search={{ ticket: clock.ticket_id } as never}>
            #{clock.number} {clock.subject ?? "Without a subject"}
          </Link>
          {clock.why && (
            <Text size="xs" className="quiet">
              {clock.why.words}
            </Text>
          )}
        </>
      ),
    },
    { head: "What", cell: (clock) => <span className="nowrap">{KINDS[clock.kind] ?? clock.kind}</span> },
    { head: "Stands", cell: (clock) => <Standing clock={clock} /> },
    list === "ended"
      ? { head: "Ended", cell: (clock) => <Age at={clock.ended_at} /> }
      : { head: "Due", cell: (clock) => <Age at={clock.due_at} /> },
    {
      head: "Promised",
      isNumber: true,
      cell: (clock) => (clock.target_minutes === null ? "–" : duration(clock.target_minutes * 60)),
    },
    { head: "Priority", cell: (clock) => words(clock.priority) },
    { head: "Whose", cell: (clock) => <span className="nowrap">{names(clock.assignee_id)}</span> },
  ];
  const rest = ["department", "agent", "channel", "from", "to", "state"].filter((name) => filters[name]);
  return (
    <Screen title={TEXTS.clocks} queries={[pages.query]}>
      <div className="filters">
        <SegmentedControl
          aria-label="Which tickets"
          style={{ flex: "0 0 auto" }}
          data={LISTS}
          value={list}
          onChange={(value) => change({ list: value === "ended" ? null : value, verdict: null, state: null })}
        />
        <Select
          aria-label="What"
          placeholder="Everything promised"
          clearable
          data={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
          value={filters.kind ?? null}
          onChange={(value) => change({ kind: value })}
        />
        <Select
          aria-label="Priority"
          placeholder="Every priority"
          clearable
          data={["urgent", "high", "normal", "low"].map((value) => ({ value, label: words(value) }))}
          value={filters.priority ?? null}
          onChange={(value) => change({ priority: value })}
        />
        {list === "ended" && (
          <Select
            aria-label="Verdict"
            placeholder="In time or not"
            clearable
            data={[
              { value: "met", label: "In time" },
              { value: "missed", label: "Too late" },
            ]}
            value={filters.verdict ?? null}
            onChange={(value) => change({ verdict: value })}
          />
        )}
        {rest.length > 0 && (
          <Button variant="default" onClick={() => change(Object.fromEntries(rest.map((name) => [name, null])))}>
            {rest.map((name) => told(name, filters[name] ?? "", names)).join(", ")} – show all
          </Button>
        )}
      </div>
      <Body query={pages.query}>
        {() =>
          pages.rows?.length ? (
            <Rows
              label={LISTS.find((each) => each.value === list)?.label ?? ""}
              columns={columns}
              rows={pages.rows}
              rowKey={(clock) => `${clock.ticket_id} ${clock.kind} ${clock.seq}`}
              onMore={pages.onMore}
              isLoadingMore={pages.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={NONE[list]} />
          )
        }
      </Body>
    </Screen>
  );
}

function told(name: string, value: string, names: (id: string) => string): string {
  if (name === "agent") return value === "none" ? "nobody’s" : names(value);
  if (name === "from") return `from ${moment(value)}`;
  if (name === "to") return `until ${moment(value)}`;
  return value === "none" ? `no ${name}` : value;
}

function Standing({ clock }: { clock: ListedClock }) {
  if (clock.verdict === "met")
    return (
      <State name="met" tone="good">
        In time
      </State>
    );
  if (clock.verdict === "missed")
    return (
      <State name="missed" tone="bad">
        Too late
      </State>
    );
  if (clock.verdict === "cancelled") return <State name="cancelled">No longer needed</State>;
  if (clock.verdict === "none") return <State name="none">Nothing was promised</State>;
  if (clock.standing === "breached")
    return (
      <State name="late" tone="bad">
        {clock.state === "paused" ? "Late, stands still" : "Late"}
      </State>
    );
  if (clock.standing === "at_risk")
    return (
      <State name="risk" tone="warn">
        At risk
      </State>
    );
  return (
    <State name="within" tone="good">
      In time so far
    </State>
  );
}
