// The shop's own trail: who did what to what, and who looked at whose data, by filters in the address.

import { Select, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import type { AuditLine, Page } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { ACTS, actInWords, actorInWords, detailInWords } from "../../parts/acts.ts";
import { allAgents, useAgentNames } from "../../parts/agents.ts";
import { useFilters } from "../../parts/filters.ts";
import { shortId, words } from "../../parts/format.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { TEXTS } from "./texts.ts";

const FILTERS = ["actor", "action", "subject"];

export function Trail() {
  const [filters, change] = useFilters();
  const agents = useQuery(allAgents);
  const names = useAgentNames();
  const query = Object.fromEntries(FILTERS.flatMap((name) => (filters[name] ? [[name, filters[name]]] : [])));
  // A day of the person who looks: from its first moment, until the end of its last.
  if (filters.from) query.from = new Date(`${filters.from}T00:00:00`).toISOString();
  if (filters.to) query.to = new Date(Date.parse(`${filters.to}T00:00:00`) + 86_400_000).toISOString();
  const pages = usePages<AuditLine>(
    ["trail", query],
    (cursor, signal) =>
      answerAs<Page<AuditLine>>(
        client.GET("/api/audit", { params: { query: { ...query, cursor, limit: 50 } }, signal }),
      ),
    CALM_MS,
  );
  const columns: Column<AuditLine>[] = [
    { head: "When", cell: (line) => <Age at={line.at} /> },
    { head: "By", cell: (line) => <span className="nowrap">{actorInWords(line.actor, names)}</span> },
    { head: "What", cell: (line) => <span className="nowrap">{actInWords(line.action)}</span> },
    { head: "To what", isWide: true, cell: (line) => <Subject subject={line.subject} /> },
    {
      head: "Details",
      isWide: true,
      cell: (line) => (
        <Text size="sm" lineClamp={2} title={JSON.stringify(line.detail)}>
          {detailInWords(line.detail)}
        </Text>
      ),
    },
  ];
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[pages.query]}>
      <div className="filters">
        <Select
          label={TEXTS.who}
          placeholder="Anybody"
          clearable
          searchable
          data={agents.data?.items.map((agent) => ({ value: `agent:${agent.id}`, label: agent.name })) ?? []}
          value={filters.actor ?? null}
          onChange={(value) => change({ actor: value })}
        />
        <Select
          label={TEXTS.what}
          placeholder={TEXTS.whatHint}
          clearable
          searchable
          nothingFoundMessage={TEXTS.whatNone}
          data={acts(filters.action)}
          value={filters.action ?? null}
          onChange={(value) => change({ action: value })}
        />
        <TextInput
          label={TEXTS.subject}
          placeholder={TEXTS.subjectHint}
          value={filters.subject ?? ""}
          onChange={(event) => change({ subject: event.currentTarget.value })}
        />
        <TextInput
          label={TEXTS.from}
          type="date"
          value={filters.from ?? ""}
          onChange={(event) => change({ from: event.currentTarget.value })}
        />
        <TextInput
          label={TEXTS.to}
          type="date"
          value={filters.to ?? ""}
          onChange={(event) => change({ to: event.currentTarget.value })}
        />
      </div>
      <Body query={pages.query}>
        {() =>
          pages.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={columns}
              rows={pages.rows}
              rowKey={(line) => line.id}
              onMore={pages.onMore}
              isLoadingMore={pages.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}

/** All of them by name; what the address names besides is kept. */
function acts(chosen: string | undefined) {
  const known = Object.entries(ACTS).map(([value, label]) => ({ value, label }));
  if (chosen && !(chosen in ACTS)) known.push({ value: chosen, label: chosen });
  return known.sort((one, other) => one.label.localeCompare(other.label));
}

const PLACES: Record<string, (id: string) => { to: string; search?: Record<string, string> }> = {
  ticket: (ticket) => ({ to: "/desk", search: { ticket } }),
  agent: (id) => ({ to: `/manage/agents/${id}` }),
  job: (id) => ({ to: `/operate/jobs/${id}` }),
  segment: (id) => ({ to: `/manage/segments/${id}` }),
  endpoint: (id) => ({ to: `/manage/webhooks/${id}` }),
  "outbound-delivery": (id) => ({ to: `/manage/webhooks/deliveries/${id}` }),
  sla_policy: (id) => ({ to: `/manage/policies/${id}` }),
  sla_calendar: (id) => ({ to: `/manage/calendars/${id}` }),
};

function Subject({ subject }: { subject: string }) {
  const [kind, id] = [subject.slice(0, subject.indexOf(":")), subject.slice(subject.indexOf(":") + 1)];
  const isOne = /^[0-9a-f-]{36}$/.test(id);
  const place = isOne ? PLACES[kind]?.(id) : undefined;
  const text = kind && isOne ? `${words(kind)} ${shortId(id)}` : words(kind ? id : subject);
  if (!place) return <span title={subject}>{text}</span>;
  return (
    <Link to={place.to} search={(place.search ?? {}) as never} title={subject}>
      {text}
    </Link>
  );
}
