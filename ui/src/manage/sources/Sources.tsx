// The sources of orders: where each is, what its last reading brought, and what to do about one that is not read any more.

import { Button, Group, Text } from "@mantine/core";
import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { isFinished } from "../../operate/jobs/live.ts";
import { ProgressBar } from "../../operate/jobs/ProgressBar.tsx";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { CALM_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import {
  type Known,
  openReadings,
  type Reading,
  reading,
  readNow,
  removeSource,
  type Source,
  sources,
  sourcesKey,
} from "./calls.ts";
import { FaultView } from "./FaultView.tsx";
import { whereIs } from "./kinds.ts";
import { brought, inShop, rowsRead } from "./said.ts";
import { TEXTS } from "./texts.ts";

const READING_MS = 2_000;
/** What is over stays as it is. */
const ENDED_MS = Number.POSITIVE_INFINITY;

export function Sources() {
  const navigate = useNavigate();
  const [removed, setRemoved] = useState<Source | null>(null);
  // Readings that were asked for here: each is followed until its source knows it.
  const [asked, setAsked] = useState<Record<string, string>>({});
  const isAwaited = (known: Known | undefined) =>
    known?.items.some(({ name, last_job }) => name in asked && asked[name] !== last_job) ?? false;
  const list = useQuery({
    queryKey: sourcesKey,
    queryFn: ({ signal }) => sources(signal),
    refetchInterval: ({ state }) => (isAwaited(state.data) ? READING_MS : CALM_MS),
  });
  const readingOf = useReadings(list.data?.items);
  const zone = list.data?.zone ?? null;
  const read = useAct({
    run: (source: Source) => readNow(source.name),
    changes: [sourcesKey],
    done: (job) => (job.created ? TEXTS.asked : TEXTS.askedAlready),
    onDone: (job, source) => setAsked((before) => ({ ...before, [source.name]: job.job_id })),
  });
  const remove = useAct({
    run: (source: Source) => removeSource(source.name),
    changes: [sourcesKey],
    done: () => TEXTS.removed,
    isShownElsewhere: true,
    onDone: () => setRemoved(null),
  });
  const columns: Column<Source>[] = [
    {
      head: "Source",
      isWide: true,
      cell: (source) => {
        const { kind, where } = whereIs(source.place);
        return (
          <>
            <Link to="/manage/sources/$id" params={{ id: source.name }}>
              {source.name}
            </Link>
            <div className="quiet small">
              {kind}: {where}
            </div>
          </>
        );
      },
    },
    { head: "Stands", isWide: true, cell: (source) => <Standing source={source} job={readingOf(source).open} /> },
    { head: "Last read", cell: (source) => <LastRead source={source} zone={zone} /> },
    { head: "Brought", cell: (source) => <Report job={readingOf(source).last} /> },
    { head: "Mapping", cell: (source) => source.mapping },
    {
      head: "",
      cell: (source) => (
        <Group gap={4} wrap="nowrap">
          <Button
            variant="default"
            aria-label={`${TEXTS.read}: ${source.name}`}
            disabled={Boolean(source.problem)}
            loading={read.isPending && read.variables.name === source.name}
            onClick={() => read.mutate(source)}
          >
            {TEXTS.read}
          </Button>
          <Button variant="default" aria-label={`${TEXTS.remove}: ${source.name}`} onClick={() => setRemoved(source)}>
            {TEXTS.remove}
          </Button>
        </Group>
      ),
    },
  ];
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      queries={[list]}
      actions={
        <Button onClick={() => void navigate({ to: "/manage/sources/$id", params: { id: "new" } })}>
          {TEXTS.make}
        </Button>
      }
    >
      <Body query={list}>
        {({ items }) =>
          items.length > 0 ? (
            <Rows label={TEXTS.title} columns={columns} rows={items} rowKey={(source) => source.name} />
          ) : (
            <Empty title={TEXTS.empty}>
              <div>{TEXTS.emptyNote}</div>
              <div>{TEXTS.emptyDo}</div>
              <div>{TEXTS.others}</div>
            </Empty>
          )
        }
      </Body>
      {removed && (
        <Confirm
          title={`${TEXTS.remove}: ${removed.name}`}
          what={TEXTS.removeWhat}
          verb={TEXTS.remove}
          isDestructive
          needsReason={false}
          error={remove.error}
          isBusy={remove.isPending}
          onClose={() => setRemoved(null)}
          onConfirm={() => remove.mutate(removed)}
        />
      )}
    </Screen>
  );
}

type Readings = { open: Reading | undefined; last: Reading | undefined };

/** Of a source: the reading that is under way or came to no good end since, and the one that ended last. */
function useReadings(known: Source[] | undefined): (source: Source) => Readings {
  const cache = useQueryClient();
  const open = useQuery({
    queryKey: [...sourcesKey, "open"],
    queryFn: ({ signal }) => openReadings(signal),
    refetchInterval: ({ state }) => (state.data?.some(isOn) ? READING_MS : CALM_MS),
  });
  const ended = useQueries({
    queries: (known ?? []).flatMap(({ last_job: id }) =>
      id
        ? [
            {
              queryKey: ["reading", id],
              queryFn: ({ signal }: { signal: AbortSignal }) => reading(id, signal),
              staleTime: ENDED_MS,
            },
          ]
        : [],
    ),
  });
  const on = open.data
    ?.filter(isOn)
    .map((job) => job.id)
    .join();
  // One that is over has changed its source.
  useEffect(() => {
    if (on !== undefined) void cache.invalidateQueries({ queryKey: sourcesKey, exact: true });
  }, [on, cache]);
  return (source) => ({
    open: open.data?.find(
      (job) =>
        job.payload?.source === source.name &&
        (isOn(job) || (job.id !== source.last_job && (job.finished_at ?? "") > (source.last_at ?? ""))),
    ),
    last: ended.map((query) => query.data).find((job) => job && job.id === source.last_job),
  });
}

function isOn(job: Reading): boolean {
  return !isFinished(job.state);
}

function Standing({ source, job }: { source: Source; job: Reading | undefined }) {
  if (source.problem) {
    return (
      <>
        <State name="failed">{TEXTS.stopped}</State>
        <FaultView text={source.problem} />
        <Text size="sm" component="div">
          <Link to="/manage/sources/$id" params={{ id: source.name }} aria-label={`${TEXTS.goOn}: ${source.name}`}>
            {TEXTS.goOn}
          </Link>
        </Text>
        <div className="quiet small">{TEXTS.goOnNote}</div>
      </>
    );
  }
  if (job && isOn(job)) {
    return (
      <>
        <State name={job.state}>{job.state === "retrying" ? TEXTS.failing : undefined}</State>
        {job.state === "retrying" && job.error?.message && <FaultView text={job.error.message} />}
        {job.state === "running" && job.progress && <ProgressBar progress={job.progress} />}
      </>
    );
  }
  if (job?.state === "dead") {
    return (
      <>
        <State name="dead">Failed</State>
        {job.error?.message && <FaultView text={job.error.message} />}
        <Link to="/operate/jobs/$id" params={{ id: job.id }} className="small">
          Its job
        </Link>
      </>
    );
  }
  return <State name={source.last_at ? "active" : "scheduled"}>{source.last_at ? TEXTS.fine : TEXTS.first}</State>;
}

function Report({ job }: { job: Reading | undefined }) {
  if (job?.state !== "done" || !job.result) return <span className="quiet">{TEXTS.noReport}</span>;
  if (!job.result.import) return <span className="quiet">{TEXTS.unchanged}</span>;
  return (
    <>
      <Link to="/manage/imports/$id" params={{ id: job.id }}>
        {brought(job.result.import).map((line) => (
          <div key={line} className="nowrap">
            {line}
          </div>
        ))}
      </Link>
      {job.result.rows > 1 && <div className="quiet small nowrap">{rowsRead(job.result.rows)}</div>}
    </>
  );
}

function LastRead({ source, zone }: { source: Source; zone: string | null }) {
  if (!source.last_at) return <span className="quiet">{TEXTS.never}</span>;
  const isByChanges = Boolean(source.place.changes);
  return (
    <>
      <Age at={source.last_at} />
      <div className="quiet small">{inShop(source.last_at, zone)}</div>
      {isByChanges && source.read_until && (
        <div className="quiet small">
          {TEXTS.until} {source.read_until}
        </div>
      )}
    </>
  );
}
