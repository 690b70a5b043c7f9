// Schedules: when they run, their history, pause and trigger.

import { Button, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answerAs, client } from "../../api/client.ts";
import type { Page, Schedule } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { actorInWords } from "../../parts/acts.ts";
import { Confirm } from "../../parts/Confirm.tsx";
import { count, duration, words } from "../../parts/format.ts";
import { CALM_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { SchedulerAway } from "../SchedulerAway.tsx";
import { cronWords } from "./cron.ts";
import { TEXTS } from "./texts.ts";

const KEY = ["schedules"];

export function Schedules() {
  const schedules = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => answerAs<Page<Schedule>>(client.GET("/api/admin/schedules", { signal })),
    refetchInterval: CALM_MS,
  });
  const [asked, setAsked] = useState<Schedule | null>(null);
  const pause = useAct({
    run: setPaused(true),
    changes: [KEY],
    done: (_, name) => `${name} is paused`,
    undo: setPaused(false),
  });
  const resume = useAct({
    run: setPaused(false),
    changes: [KEY],
    done: (_, name) => `${name} runs again`,
    undo: setPaused(true),
  });
  const columns: Column<Schedule>[] = [
    {
      head: "Schedule",
      cell: (schedule) => (
        <Link to="/operate/jobs" search={{ kind: schedule.kind, tenant_id: "all" }} title={TEXTS.history}>
          {words(schedule.name)}
        </Link>
      ),
    },
    {
      head: "State",
      cell: (schedule) => (
        <State name={schedule.paused ? "paused" : "active"}>{schedule.paused ? "Paused" : "Active"}</State>
      ),
    },
    {
      head: "When",
      isWide: true,
      cell: (schedule) => (
        <>
          {cronWords(schedule.cron)}, {schedule.timezone}
          <div className="quiet small">
            <code>{schedule.cron}</code>
            {schedule.spread_secs > 0 ? `, spread over ${duration(schedule.spread_secs)}` : ""}
          </div>
        </>
      ),
    },
    { head: "For", cell: (schedule) => (schedule.scope === "system" ? "The cluster" : "Each tenant") },
    { head: "Missed times", cell: (schedule) => (schedule.catch_up === "once" ? "Made up once" : "Skipped") },
    { head: "Decided until", cell: (schedule) => <Age at={schedule.decided_until} /> },
    { head: "Changed by", cell: (schedule) => actorInWords(schedule.changed_by) },
    {
      head: "Actions",
      cell: (schedule) => (
        <Group gap={6} wrap="nowrap">
          <Button variant="default" aria-label={`${TEXTS.trigger} ${schedule.name}`} onClick={() => setAsked(schedule)}>
            {TEXTS.trigger}
          </Button>
          <Button
            variant="default"
            aria-label={`${schedule.paused ? "Resume" : "Pause"} ${schedule.name}`}
            onClick={() => (schedule.paused ? resume : pause).mutate(schedule.name)}
          >
            {schedule.paused ? "Resume" : "Pause"}
          </Button>
        </Group>
      ),
    },
  ];
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[schedules]}>
      <SchedulerAway />
      <Body query={schedules}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          ) : (
            <Rows label={TEXTS.title} columns={columns} rows={page.items} rowKey={(schedule) => schedule.name} />
          )
        }
      </Body>
      {asked && <Trigger schedule={asked} onClose={() => setAsked(null)} />}
    </Screen>
  );
}

function Trigger({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const act = useAct({
    run: () =>
      answerAs<{ job_ids: string[] }>(
        // An empty document: the route takes nothing but wants to be asked in JSON.
        client.POST("/api/admin/schedules/{name}/trigger", {
          params: { path: { name: schedule.name } },
          body: {} as never,
        }),
      ),
    changes: [KEY],
    done: (out) => (
      <>
        {words(schedule.name)} was started: {count(out.job_ids.length)} {out.job_ids.length === 1 ? "job" : "jobs"}.{" "}
        {out.job_ids[0] && (
          <Link to="/operate/jobs/$id" params={{ id: out.job_ids[0] }}>
            Follow it
          </Link>
        )}
      </>
    ),
    isShownElsewhere: true,
    onDone: onClose,
  });
  return (
    <Confirm
      title={`Run ${schedule.name} now`}
      what={TEXTS.triggerWhat}
      verb={TEXTS.trigger}
      needsReason={false}
      error={act.error}
      isBusy={act.isPending}
      onClose={onClose}
      onConfirm={() => act.mutate(undefined)}
    />
  );
}

function setPaused(isPaused: boolean) {
  return (name: string) =>
    answerAs(
      isPaused
        ? client.POST("/api/admin/schedules/{name}/pause", { params: { path: { name } } })
        : client.POST("/api/admin/schedules/{name}/resume", { params: { path: { name } } }),
    );
}
