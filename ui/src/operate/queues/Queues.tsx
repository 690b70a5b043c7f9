// Queues: depth, age, rates, and what an operator does to them.

import { Button, Group, NumberInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Fragment, useState } from "react";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Page, Queue } from "../../api/shapes.ts";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { count, duration, rate } from "../../parts/format.ts";
import { LIVE_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { SchedulerAway } from "../SchedulerAway.tsx";
import { TEXTS } from "./texts.ts";

const KEY = ["queues"];

type Asked = { act: "pause" | "drain" | "slots"; queue: Queue };

export function Queues() {
  const queues = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => answerAs<Page<Queue>>(client.GET("/api/admin/queues", { signal })),
    refetchInterval: LIVE_MS,
  });
  const [asked, setAsked] = useState<Asked | null>(null);
  const resume = useAct({
    run: (queue: string) => resumeQueue(queue),
    changes: [KEY],
    done: (_, queue) => `${queue} runs again`,
    undo: (queue) => pauseQueue(queue, null),
  });
  const columns: Column<Queue>[] = [
    {
      head: "Queue",
      cell: (queue) => (
        <Link to="/operate/jobs" search={{ queue: queue.queue }}>
          {queue.queue}
        </Link>
      ),
    },
    {
      head: "State",
      cell: (queue) => (
        <span title={queue.reason ?? undefined}>
          <State name={queue.paused ? "paused" : "active"}>
            {queue.paused ? `Paused${queue.reason ? `: ${queue.reason}` : ""}` : "Open"}
          </State>
        </span>
      ),
    },
    { head: "Ready", isNumber: true, cell: (queue) => <Depth queue={queue} state="ready" /> },
    { head: "Oldest waits", isNumber: true, cell: (queue) => duration(queue.oldest_ready_secs) },
    { head: "Running", isNumber: true, cell: (queue) => <Depth queue={queue} state="running" /> },
    { head: "Later", isNumber: true, cell: (queue) => <Depth queue={queue} state="scheduled" /> },
    { head: "Retrying", isNumber: true, cell: (queue) => <Depth queue={queue} state="retrying" /> },
    { head: "Dead", isNumber: true, cell: (queue) => <Depth queue={queue} state="dead" /> },
    { head: "In", isNumber: true, cell: (queue) => rate(queue.in_per_sec) },
    { head: "Out", isNumber: true, cell: (queue) => rate(queue.out_per_sec) },
    { head: "Slots", isNumber: true, cell: (queue) => count(queue.concurrency) },
    {
      head: "Actions",
      isFixed: true,
      cell: (queue) => (
        <Group gap={6} wrap="nowrap">
          {queue.paused ? (
            <Button
              variant="default"
              onClick={() => resume.mutate(queue.queue)}
              aria-label={`${TEXTS.resume} ${queue.queue}`}
            >
              {TEXTS.resume}
            </Button>
          ) : (
            <Button
              variant="default"
              onClick={() => setAsked({ act: "pause", queue })}
              aria-label={`${TEXTS.pause} ${queue.queue}`}
            >
              {TEXTS.pause}
            </Button>
          )}
          <Button
            variant="default"
            onClick={() => setAsked({ act: "slots", queue })}
            aria-label={`${TEXTS.slots} of ${queue.queue}`}
          >
            {TEXTS.slots}
          </Button>
          <Button
            variant="default"
            onClick={() => setAsked({ act: "drain", queue })}
            aria-label={`${TEXTS.drain} ${queue.queue}`}
          >
            {TEXTS.drain}
          </Button>
        </Group>
      ),
    },
  ];
  const close = () => setAsked(null);
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[queues]}>
      <SchedulerAway />
      <Body query={queues}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          ) : (
            <Rows label={TEXTS.title} columns={columns} rows={page.items} rowKey={(queue) => queue.queue} />
          )
        }
      </Body>
      {asked?.act === "pause" && <Pause queue={asked.queue} onClose={close} />}
      {asked?.act === "drain" && <Drain queue={asked.queue} onClose={close} />}
      {asked?.act === "slots" && <Slots queue={asked.queue} onClose={close} />}
    </Screen>
  );
}

function Depth({ queue, state }: { queue: Queue; state: string }) {
  const jobs = queue.jobs[state] ?? 0;
  if (jobs === 0) return <span className="quiet">0</span>;
  return state === "dead" ? (
    <Link to="/operate/dead" search={{ queue: queue.queue }}>
      {count(jobs)}
    </Link>
  ) : (
    <Link to="/operate/jobs" search={{ queue: queue.queue, state }}>
      {count(jobs)}
    </Link>
  );
}

function Pause({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const act = useAct({
    run: (reason: string | null) => pauseQueue(queue.queue, reason),
    changes: [KEY],
    done: () => `${queue.queue} is paused`,
    undo: () => resumeQueue(queue.queue),
    isShownElsewhere: true,
    onDone: onClose,
  });
  return (
    <Confirm
      title={`Pause ${queue.queue}`}
      what={TEXTS.pauseWhat}
      verb={TEXTS.pause}
      error={act.error}
      isBusy={act.isPending}
      onClose={onClose}
      onConfirm={act.mutate}
    />
  );
}

function Drain({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const drain = (reason: string | null, dry_run: boolean) =>
    answerAs<{ matching: number; kinds?: Record<string, number>; job_id?: string }>(
      client.POST("/api/admin/queues/{queue}/drain", {
        params: { path: { queue: queue.queue } },
        body: { kind: null, reason, dry_run },
      }),
    );
  const dry = useQuery({ queryKey: ["drain", queue.queue], queryFn: () => drain(null, true), gcTime: 0, staleTime: 0 });
  const act = useAct({
    run: (reason: string | null) => drain(reason, false),
    changes: [KEY],
    done: (out) => (
      <>
        {queue.queue} is being drained: {count(out.matching)} jobs.{" "}
        {out.job_id && (
          <Link to="/operate/jobs/$id" params={{ id: out.job_id }}>
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
      title={`Drain ${queue.queue}`}
      what={TEXTS.drainWhat}
      verb={TEXTS.drain}
      isDestructive
      matching={dry.data?.matching}
      error={act.error ?? dry.error}
      isBusy={act.isPending || dry.isPending}
      onClose={onClose}
      onConfirm={act.mutate}
    >
      <Kinds kinds={dry.data?.kinds ?? {}} />
    </Confirm>
  );
}

/** What of which kind would be cancelled, the most first. */
function Kinds({ kinds }: { kinds: Record<string, number> }) {
  const all = Object.entries(kinds).sort(([, one], [, other]) => other - one);
  if (all.length === 0) return null;
  return (
    <dl className="facts" aria-label={TEXTS.drainKinds}>
      {all.map(([kind, jobs]) => (
        <Fragment key={kind}>
          <dt>{kind}</dt>
          <dd>{count(jobs)}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

function Slots({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const [slots, setSlots] = useState<number | string>(queue.concurrency ?? "");
  const set = (value: number | null) =>
    answer(
      client.PUT("/api/admin/queues/{queue}/concurrency", {
        params: { path: { queue: queue.queue } },
        body: { slots: value },
      }),
    );
  const act = useAct({
    run: () => set(slots === "" ? null : Number(slots)),
    changes: [KEY],
    done: () => `Slots of ${queue.queue}: ${slots === "" ? "each worker’s own" : slots}`,
    undo: () => set(queue.concurrency),
    isShownElsewhere: true,
    onDone: onClose,
  });
  return (
    <Confirm
      title={`Slots of ${queue.queue}`}
      what={TEXTS.slotsWhat}
      verb="Set"
      needsReason={false}
      error={act.error}
      isBusy={act.isPending}
      onClose={onClose}
      onConfirm={() => act.mutate(undefined)}
    >
      <NumberInput label="Slots a worker" min={0} max={1000} value={slots} onChange={setSlots} data-autofocus />
    </Confirm>
  );
}

function pauseQueue(queue: string, reason: string | null) {
  return answer(client.POST("/api/admin/queues/{queue}/pause", { params: { path: { queue } }, body: { reason } }));
}

function resumeQueue(queue: string) {
  return answer(
    client.POST("/api/admin/queues/{queue}/resume", { params: { path: { queue } }, body: { reason: null } }),
  );
}
