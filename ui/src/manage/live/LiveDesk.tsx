// How the desk stands at this moment: backlog, who is there with how much, what runs out first, what nobody has. It follows
// the desk's events, at most once a second, and asks again by itself when they are missed.

import { Stack, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useCallback, useRef } from "react";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";
import { LiveState } from "../../desk/live/LiveState.tsx";
import { type Told, useEvents } from "../../desk/live/stream.ts";
import { Age } from "../../parts/Age.tsx";
import { type Agent, useAgentNames } from "../../parts/agents.ts";
import { count, percent, words } from "../../parts/format.ts";
import { CALM_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { Load, Standing } from "../agents/Standing.tsx";
import { type Dashboard, KINDS, type ListedClock } from "../sla/shapes.ts";
import { TEXTS } from "./texts.ts";

type Queued = components["schemas"]["QueuedTicket"];
type Satisfaction = { groups: { answers: number; csat: number | null }[] };

const LIVE = ["live"];
const MOST = 100;
const ASK_AGAIN_MS = 1_000;

export function LiveDesk() {
  useFollow();
  const today = useQuery({
    queryKey: [...LIVE, "today"],
    queryFn: ({ signal }) =>
      answerAs<Dashboard>(
        client.GET("/api/sla/dashboard", { params: { query: { from: daysAgo(1).slice(0, 10) } }, signal }),
      ),
    refetchInterval: CALM_MS,
  });
  const risk = useQuery({
    queryKey: [...LIVE, "risk"],
    queryFn: ({ signal }) =>
      answerAs<Page<ListedClock>>(client.GET("/api/sla/at-risk", { params: { query: { limit: MOST } }, signal })),
    refetchInterval: CALM_MS,
  });
  const waiting = useQuery({
    queryKey: [...LIVE, "waiting"],
    queryFn: ({ signal }) =>
      answer(client.GET("/api/tickets/unassigned", { params: { query: { limit: MOST } }, signal })),
    refetchInterval: CALM_MS,
  });
  const people = useQuery({
    queryKey: [...LIVE, "people"],
    queryFn: ({ signal }) => answer(client.GET("/api/agents", { params: { query: { limit: MOST } }, signal })),
    refetchInterval: CALM_MS,
  });
  const week = useQuery({
    queryKey: [...LIVE, "satisfaction"],
    queryFn: ({ signal }) =>
      answerAs<Satisfaction>(
        client.GET("/api/reports/satisfaction", { params: { query: { from: daysAgo(7) } }, signal }),
      ),
    refetchInterval: 60_000,
  });
  const backlog = today.data?.backlog.at(-1)?.tickets;
  const rated = week.data?.groups[0];
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      queries={[today, risk, waiting, people, week]}
      actions={<LiveState />}
    >
      <Body query={today} rows={2}>
        {(known) => (
          <div className="tiles">
            <Tile to="/desk" figure={count(backlog)} name={TEXTS.backlog} />
            <Tile to="/desk" search={{ view: "unassigned" }} figure={upTo(waiting.data)} name={TEXTS.unassigned} />
            <Tile to="/manage/sla/clocks" search={{ list: "at-risk" }} figure={upTo(risk.data)} name={TEXTS.risk} />
            <Tile
              to="/manage/sla/clocks"
              search={{ list: "breaches", state: "running" }}
              figure={count(known.breached_now.count)}
              name={TEXTS.late}
            />
            <Tile
              to="/manage/satisfaction"
              figure={rated?.answers ? percent(rated.csat) : "–"}
              name={rated?.answers ? TEXTS.csat : "no customer has answered in 7 days"}
            />
          </div>
        )}
      </Body>
      <div className="halves">
        <Stack gap="xs">
          <Title order={2} size="h5">
            {TEXTS.people}
          </Title>
          <Body query={people} rows={4}>
            {(known) => <People people={known.items} />}
          </Body>
        </Stack>
        <Stack gap="xs">
          <Title order={2} size="h5">
            {TEXTS.next}
          </Title>
          <Body query={risk} rows={4}>
            {(known) =>
              known.items.length > 0 ? (
                <Rows
                  label={TEXTS.next}
                  columns={RISK}
                  rows={known.items.slice(0, 12)}
                  rowKey={(clock) => `${clock.ticket_id} ${clock.kind} ${clock.seq}`}
                />
              ) : (
                <Empty title={TEXTS.none} />
              )
            }
          </Body>
        </Stack>
      </div>
      <Stack gap="xs">
        <Title order={2} size="h5">
          {TEXTS.waiting}
        </Title>
        <Body query={waiting} rows={4}>
          {(known) =>
            known.items.length > 0 ? (
              <Rows
                label={TEXTS.waiting}
                columns={WAITING}
                rows={known.items.slice(0, 12)}
                rowKey={(ticket) => ticket.id}
              />
            ) : (
              <Empty title={TEXTS.noneWaiting} />
            )
          }
        </Body>
      </Stack>
    </Screen>
  );
}

/** The desk's events change what is shown: all of it, but at most once a second. */
function useFollow() {
  const cache = useQueryClient();
  const waiting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEvents(
    useCallback(
      (told: Told) => {
        if (told.kind === "event" && (told.event.kind === "typing" || told.event.kind === "viewing")) return;
        waiting.current ??= setTimeout(() => {
          waiting.current = undefined;
          void cache.invalidateQueries({ queryKey: LIVE });
        }, ASK_AGAIN_MS);
      },
      [cache],
    ),
  );
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString();
}

function upTo(page: { items: unknown[]; next_cursor?: string | null } | undefined): string {
  if (!page) return "–";
  return page.next_cursor ? `over ${count(page.items.length)}` : count(page.items.length);
}

const PEOPLE: Column<Agent>[] = [
  {
    head: "Person",
    isWide: true,
    cell: (agent) => (
      <Link to="/manage/agents/$id" params={{ id: agent.id }}>
        {agent.name}
      </Link>
    ),
  },
  { head: "Stands", cell: (agent) => <Standing agent={agent} /> },
  { head: "Load", cell: (agent) => <Load agent={agent} /> },
];

function People({ people }: { people: Agent[] }) {
  const order = (agent: Agent) => (agent.is_present ? 0 : agent.has_password ? 1 : 2);
  const sorted = [...people].sort((a, b) => order(a) - order(b) || b.load / b.capacity - a.load / a.capacity);
  if (sorted.length === 0) return <Empty title={TEXTS.nobody}>{TEXTS.nobodyNote}</Empty>;
  return <Rows label={TEXTS.people} columns={PEOPLE} rows={sorted} rowKey={(agent) => agent.id} />;
}

const RISK: Column<ListedClock>[] = [
  {
    head: "Ticket",
    isWide: true,
    cell: (clock) => (
      <Link to="/desk" search={{ ticket: clock.ticket_id } as never}>
        #{clock.number} {clock.subject ?? "Without a subject"}
      </Link>
    ),
  },
  { head: "What", cell: (clock) => <span className="nowrap">{KINDS[clock.kind] ?? clock.kind}</span> },
  { head: "Due", cell: (clock) => <Age at={clock.due_at} /> },
  { head: "Whose", cell: (clock) => <Whose id={clock.assignee_id} /> },
];

function Whose({ id }: { id: string | null }) {
  const names = useAgentNames();
  return <span className="nowrap">{names(id)}</span>;
}

const WAITING: Column<Queued>[] = [
  {
    head: "Ticket",
    isWide: true,
    cell: (ticket) => (
      <Link to="/desk" search={{ ticket: ticket.id } as never}>
        #{ticket.number} {ticket.subject ?? "Without a subject"}
      </Link>
    ),
  },
  { head: "Priority", cell: (ticket) => words(ticket.priority) },
  { head: "Channel", cell: (ticket) => words(ticket.channel) },
  { head: "Department", cell: (ticket) => ticket.department ?? "–" },
  { head: "Waits since", cell: (ticket) => <Age at={ticket.waiting_since} /> },
  { head: "Came", cell: (ticket) => <Age at={ticket.created_at} /> },
];

function Tile(props: { to: string; search?: Record<string, string>; figure: string; name: string }) {
  return (
    <Link to={props.to} search={(props.search ?? {}) as never} className="panel tile">
      <span className="tile-figure">{props.figure}</span>
      <br />
      <span className="quiet small">{props.name}</span>
    </Link>
  );
}
