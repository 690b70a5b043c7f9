// A list of jobs by state, kind, queue and correlation, or straight to one by its id.

import { Button, Select, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Failure, Job, Page, Progress } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { useFilters } from "../../parts/filters.ts";
import { shortId } from "../../parts/format.ts";
import { LIVE_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { SchedulerAway } from "../SchedulerAway.tsx";
import { ProgressBar } from "./ProgressBar.tsx";
import { STATES, TEXTS } from "./texts.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const FILTERS = ["state", "kind", "queue", "correlation_id", "parent_id", "tenant_id"] as const;

export const COLUMNS: Column<Job>[] = [
  {
    head: "Job",
    cell: (job) => (
      <Link to="/operate/jobs/$id" params={{ id: job.id }} className="nowrap">
        {job.kind} <span className="mono">{shortId(job.id)}</span>
      </Link>
    ),
  },
  { head: "State", cell: (job) => <State name={job.state} /> },
  { head: "Queue", cell: (job) => job.queue },
  { head: "Attempt", isNumber: true, cell: (job) => `${job.attempt} of ${job.max_attempts}` },
  {
    head: "Progress or error",
    isWide: true,
    cell: (job) => <Said job={job} />,
  },
  { head: "Made", cell: (job) => <Age at={job.created_at} /> },
  { head: "Ended or due", cell: (job) => <Age at={job.finished_at ?? job.run_at} /> },
];

export function Jobs() {
  const [filters, change] = useFilters();
  const query = Object.fromEntries(FILTERS.flatMap((name) => (filters[name] ? [[name, filters[name]]] : [])));
  const list = usePages<Job>(
    ["jobs", query],
    (cursor, signal) =>
      answerAs<Page<Job>>(client.GET("/api/jobs", { params: { query: { ...query, cursor, limit: 50 } }, signal })),
    LIVE_MS,
  );
  const kinds = useQuery({
    queryKey: ["kinds"],
    queryFn: ({ signal }) => answer(client.GET("/api/kinds", { signal })),
    staleTime: 600_000,
  });
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]}>
      <SchedulerAway />
      <div className="filters">
        <FindById />
        <Select
          label="State"
          placeholder="Any"
          clearable
          data={STATES}
          value={filters.state ?? null}
          onChange={(state) => change({ state })}
        />
        <Select
          label="Kind"
          placeholder="Any"
          clearable
          searchable
          data={kinds.data?.items.map((kind) => kind.kind) ?? (filters.kind ? [filters.kind] : [])}
          value={filters.kind ?? null}
          onChange={(kind) => change({ kind })}
        />
        <Typed label="Queue" value={filters.queue} onChange={(queue) => change({ queue })} />
        <Typed
          label="Correlation"
          value={filters.correlation_id}
          onChange={(correlation_id) => change({ correlation_id })}
        />
        <Typed
          label="Tenant"
          placeholder="Own; an id, or all"
          value={filters.tenant_id}
          onChange={(tenant_id) => change({ tenant_id })}
        />
      </div>
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(job) => job.id}
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

function Said({ job }: { job: Job }) {
  const error = job.error as Failure | null;
  if (error?.message) {
    return (
      <Text size="sm" lineClamp={2}>
        {error.message}
      </Text>
    );
  }
  return job.progress && job.state === "running" ? (
    <ProgressBar progress={job.progress as Progress} />
  ) : (
    <span className="quiet">–</span>
  );
}

function FindById() {
  const navigate = useNavigate();
  const [id, setId] = useState("");
  const [isWrong, setWrong] = useState(false);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const found = id.trim();
        if (UUID.test(found)) void navigate({ to: "/operate/jobs/$id", params: { id: found } });
        else setWrong(true);
      }}
    >
      <TextInput
        label="Job by id"
        placeholder="Paste an id, Enter"
        value={id}
        error={isWrong ? "An id has 36 characters" : undefined}
        onChange={(event) => {
          setId(event.currentTarget.value);
          setWrong(false);
        }}
      />
    </form>
  );
}

/** A filter that is typed: it takes effect on Enter or when the field is left. */
export function Typed(props: {
  label: string;
  placeholder?: string;
  value: string | undefined;
  onChange: (value: string | null) => void;
}) {
  const [text, setText] = useState(props.value ?? "");
  const apply = () => {
    if (text.trim() !== (props.value ?? "")) props.onChange(text.trim() || null);
  };
  return (
    <TextInput
      label={props.label}
      placeholder={props.placeholder ?? "Any"}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={(event) => event.key === "Enter" && apply()}
      rightSection={
        props.value ? (
          <Button
            variant="subtle"
            size="compact-xs"
            color="gray"
            aria-label={`Clear ${props.label}`}
            onClick={() => {
              setText("");
              props.onChange(null);
            }}
          >
            ×
          </Button>
        ) : undefined
      }
    />
  );
}
