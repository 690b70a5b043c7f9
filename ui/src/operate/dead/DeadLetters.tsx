// Dead letters by cause; retry with a canary, or discard, by the same filter that is on the screen.

import { Box, Button, Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answerAs, client } from "../../api/client.ts";
import type { DeadGroup, DeadJob, Page } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { useFilters } from "../../parts/filters.ts";
import { count, shortId } from "../../parts/format.ts";
import { LIVE_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { Typed } from "../jobs/Jobs.tsx";
import { BulkDialog, type Chosen, type Selection } from "./BulkDialog.tsx";
import { TEXTS } from "./texts.ts";
import { Verdict } from "./Verdict.tsx";

const FILTERS = ["kind", "queue", "fingerprint", "error_class", "tenant_id"] as const;

export function DeadLetters() {
  const [filters, change] = useFilters();
  const filter: Selection = Object.fromEntries(
    FILTERS.flatMap((name) => (filters[name] ? [[name, filters[name]]] : [])),
  );
  const [asked, setAsked] = useState<Chosen | null>(null);
  const groups = useQuery({
    queryKey: ["dead", "groups", filter],
    queryFn: ({ signal }) =>
      answerAs<Page<DeadGroup>>(
        client.GET("/api/admin/dead-letters/groups", { params: { query: { ...filter, limit: 100 } }, signal }),
      ),
    refetchInterval: LIVE_MS,
  });
  const columns: Column<DeadGroup>[] = [
    {
      head: "Cause",
      isWide: true,
      cell: (group) => (
        <>
          <Link to="/operate/dead" search={{ ...filter, fingerprint: group.fingerprint, kind: group.kind }}>
            {group.sample_message ?? group.error_class}
          </Link>
          <Text size="xs" className="quiet">
            {group.error_class} in {group.kind}
          </Text>
        </>
      ),
    },
    {
      head: "Jobs",
      isNumber: true,
      cell: (group) => (
        <Link to="/operate/dead" search={{ ...filter, fingerprint: group.fingerprint, kind: group.kind }}>
          {count(group.jobs)}
        </Link>
      ),
    },
    { head: "Tenants", isNumber: true, cell: (group) => count(group.tenants) },
    { head: "First", cell: (group) => <Age at={group.first_died_at} /> },
    { head: "Last", cell: (group) => <Age at={group.last_died_at} /> },
    {
      head: "Example",
      cell: (group) => (
        <Link to="/operate/jobs/$id" params={{ id: group.sample_job_id }} className="mono">
          {shortId(group.sample_job_id)}
        </Link>
      ),
    },
    {
      head: "Actions",
      cell: (group) => {
        const selection = { ...filter, kind: group.kind, fingerprint: group.fingerprint };
        const name = group.sample_message ?? group.error_class;
        return (
          <Group gap={6} wrap="nowrap">
            <Button
              variant="default"
              aria-label={`${TEXTS.retry}: ${name}`}
              onClick={() => setAsked({ act: "retry", selection, name })}
            >
              {TEXTS.retry}
            </Button>
            <Button
              variant="default"
              aria-label={`${TEXTS.discard}: ${name}`}
              onClick={() => setAsked({ act: "discard", selection, name })}
            >
              {TEXTS.discard}
            </Button>
          </Group>
        );
      },
    },
  ];
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[groups]}>
      <div className="filters">
        {FILTERS.map((name) => (
          <Typed
            key={`${name}=${filters[name] ?? ""}`}
            label={LABELS[name]}
            value={filters[name]}
            onChange={(value) => change({ [name]: value })}
          />
        ))}
      </div>
      {filters.bulk && <Verdict id={filters.bulk} onClose={() => change({ bulk: null })} />}
      <Body query={groups}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title={isFiltered ? "No dead job matches" : TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          ) : (
            <>
              <ActionBar groups={page.items} selection={filter} onAsk={setAsked} />
              <Rows
                label="Causes"
                columns={columns}
                rows={page.items}
                rowKey={(group) => `${group.kind} ${group.fingerprint}`}
              />
            </>
          )
        }
      </Body>
      {(filter.fingerprint || filter.kind) && <Members filter={filter} />}
      {asked && (
        <BulkDialog
          asked={asked}
          onClose={() => setAsked(null)}
          onUnderWay={(id) => {
            setAsked(null);
            change({ bulk: id });
          }}
        />
      )}
    </Screen>
  );
}

const LABELS = {
  kind: "Kind",
  queue: "Queue",
  fingerprint: "Cause",
  error_class: "Class of error",
  tenant_id: "Tenant",
};

function ActionBar({
  groups,
  selection,
  onAsk,
}: {
  groups: DeadGroup[];
  selection: Selection;
  onAsk: (chosen: Chosen) => void;
}) {
  const jobs = groups.reduce((sum, group) => sum + group.jobs, 0);
  const name = `all ${count(jobs)} that match`;
  return (
    <Group gap="xs">
      <Text size="sm">
        {count(jobs)} dead {jobs === 1 ? "job" : "jobs"} of{" "}
        {groups.length === 1 ? "one cause" : `${groups.length} causes`}
      </Text>
      <Button variant="default" onClick={() => onAsk({ act: "retry", selection, name })}>
        Retry {name}
      </Button>
      <Button variant="default" onClick={() => onAsk({ act: "discard", selection, name })}>
        Discard {name}
      </Button>
    </Group>
  );
}

const MEMBER_COLUMNS: Column<DeadJob>[] = [
  {
    head: "Job",
    cell: (job) => (
      <Link to="/operate/jobs/$id" params={{ id: job.id }} className="nowrap">
        {job.kind} <span className="mono">{shortId(job.id)}</span>
      </Link>
    ),
  },
  { head: "Error", isWide: true, cell: (job) => job.message },
  { head: "Attempts", isNumber: true, cell: (job) => job.attempt },
  { head: "Made", cell: (job) => <Age at={job.created_at} /> },
  { head: "Died", cell: (job) => <Age at={job.finished_at} /> },
];

function Members({ filter }: { filter: Selection }) {
  const list = usePages<DeadJob>(
    ["dead", "list", filter],
    (cursor, signal) =>
      answerAs<Page<DeadJob>>(
        client.GET("/api/admin/dead-letters", { params: { query: { ...filter, cursor, limit: 50 } }, signal }),
      ),
    LIVE_MS,
  );
  return (
    <Box component="section" aria-label="Dead jobs">
      <Title order={2} size="h5" mb="xs">
        The jobs themselves
      </Title>
      <Body query={list.query}>
        {() => (
          <Rows
            label="Dead jobs"
            columns={MEMBER_COLUMNS}
            rows={list.rows ?? []}
            rowKey={(job) => job.id}
            onMore={list.onMore}
            isLoadingMore={list.query.isFetchingNextPage}
          />
        )}
      </Body>
    </Box>
  );
}
