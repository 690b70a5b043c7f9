// One job's whole story: where it stands, every attempt that failed, what it reads and left, and the jobs that followed.

import { Anchor, Box, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Failure, Job, Page, Progress } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { duration, moment, shortId, words } from "../../parts/format.ts";
import { Rows } from "../../parts/Rows.tsx";
import { Body, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { COLUMNS } from "./Jobs.tsx";
import { isFinished, useLiveJob } from "./live.ts";
import { ProgressBar } from "./ProgressBar.tsx";
import { reached } from "./progress.ts";
import { TEXTS } from "./texts.ts";

type Attempt = {
  attempt: number;
  outcome: string;
  class: string | null;
  message: string | null;
  worker_id: string | null;
  finished_at: string;
};

const FIELDS =
  "id,tenant_id,kind,queue,priority,state,attempt,max_attempts,crashes,run_at,progress,result,payload,needs_scope,error,cancel_reason,waits_for_slot,queue_position,correlation_id,origin,parent_id,created_at,started_at,finished_at";

export function JobStory() {
  const { id } = useParams({ strict: false }) as { id: string };
  const job = useQuery({
    queryKey: ["job", id],
    queryFn: ({ signal }) =>
      answerAs<Job>(client.GET("/api/jobs/{id}", { params: { path: { id }, query: { fields: FIELDS } }, signal })),
  });
  const link = useLiveJob(id, job.data?.state);
  const [isAsking, setAsking] = useState(false);
  return (
    <Screen
      title={job.data ? `Job: ${job.data.kind}` : "Job"}
      note={<span className="mono">{id}</span>}
      queries={[job]}
      actions={
        job.data && !isFinished(job.data.state) ? (
          <Button variant="default" onClick={() => setAsking(true)}>
            {TEXTS.cancel}
          </Button>
        ) : job.data?.state === "dead" ? (
          <RetryOne job={job.data} />
        ) : undefined
      }
    >
      <Body query={job}>
        {(known) => (
          <div className="columns">
            <Stack gap="md">
              <Standing job={known} link={link} />
              <Story job={known} />
              <Children id={id} />
            </Stack>
            <Stack gap="md">
              <Facts job={known} />
              <Document title="What it was given" value={known.payload} job={known} />
              <Document title="What it left" value={known.result} job={known} />
            </Stack>
          </div>
        )}
      </Body>
      {isAsking && job.data && <Cancel job={job.data} onClose={() => setAsking(false)} />}
    </Screen>
  );
}

function Standing({ job, link }: { job: Job; link: string }) {
  const error = job.error as Failure | null;
  return (
    <Box className="panel panel-pad" component="section" aria-label="Where it stands" aria-live="polite">
      <Group justify="space-between">
        <Text fw={600} size="lg">
          <State name={job.state} />
        </Text>
        <Text size="xs" className="quiet">
          {link === "ended" ? "ended" : link}
        </Text>
      </Group>
      {job.progress != null && <ProgressBar progress={reached(job.state, job.progress as Progress)} />}
      {job.waits_for_slot && <Text size="sm">It waits for a slot of a limit on how many run at once.</Text>}
      {job.queue_position != null && <Text size="sm">{job.queue_position} jobs stand before it.</Text>}
      {job.cancel_reason && <Text size="sm">Cancelled because: {job.cancel_reason}</Text>}
      {error?.message && (
        <Text size="sm" mt={6}>
          <strong>{words(error.class ?? "error")}:</strong> {error.message}
          {error.fingerprint && (
            <>
              {" "}
              <Link to="/operate/dead" search={{ fingerprint: error.fingerprint }}>
                All with this cause
              </Link>
            </>
          )}
        </Text>
      )}
    </Box>
  );
}

function Story({ job }: { job: Job }) {
  const attempts = useQuery({
    queryKey: ["attempts", job.id, job.attempt, job.state],
    queryFn: ({ signal }) =>
      answerAs<Page<Attempt>>(client.GET("/api/jobs/{id}/attempts", { params: { path: { id: job.id } }, signal })),
  });
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.story}>
      <Title order={2} size="h5" mb="sm">
        {TEXTS.story}
      </Title>
      <Body query={attempts} rows={2}>
        {(found) => (
          <ol className="story">
            <Event at={job.created_at} what={`Made by ${job.origin === "api" ? "a request" : job.origin}`} />
            {found.items.map((attempt) => (
              <Event
                key={`${attempt.attempt} ${attempt.finished_at}`}
                at={attempt.finished_at}
                tone="bad"
                what={`Attempt ${attempt.attempt}: ${words(attempt.outcome)}`}
              >
                {attempt.class && <strong>{words(attempt.class)}: </strong>}
                {attempt.message}
                {attempt.worker_id && <span className="quiet"> · by worker {shortId(attempt.worker_id)}</span>}
              </Event>
            ))}
            {job.started_at && !isFinished(job.state) && job.state === "running" && (
              <Event at={job.started_at} what={`Attempt ${job.attempt} runs`} />
            )}
            {job.state === "retrying" || job.state === "scheduled" ? <Event at={job.run_at} what="Due" /> : null}
            {job.finished_at && (
              <Event at={job.finished_at} tone={job.state === "done" ? "good" : "bad"} what={words(job.state)}>
                {job.started_at && (
                  <span className="quiet">
                    the last attempt took {duration((Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000)}
                  </span>
                )}
              </Event>
            )}
          </ol>
        )}
      </Body>
    </Box>
  );
}

function Event({
  at,
  what,
  tone,
  children,
}: {
  at: string | null | undefined;
  what: string;
  tone?: string;
  children?: ReactNode;
}) {
  return (
    <li data-tone={tone}>
      <Text size="sm" fw={600} component="span">
        {what}
      </Text>{" "}
      <Text size="xs" className="quiet" component="span" title={moment(at)}>
        <Age at={at} />
      </Text>
      {children && (
        <Text size="sm" component="div">
          {children}
        </Text>
      )}
    </li>
  );
}

function Facts({ job }: { job: Job }) {
  return (
    <Box className="panel panel-pad" component="section" aria-label="Facts">
      <dl className="facts">
        <dt>Queue</dt>
        <dd>
          <Link to="/operate/jobs" search={{ queue: job.queue }}>
            {job.queue}
          </Link>
          , {job.priority} priority
        </dd>
        <dt>Attempts</dt>
        <dd>
          {job.attempt} of {job.max_attempts}
          {job.crashes > 0 ? `, ${job.crashes} crashes of a worker` : ""}
        </dd>
        <dt>Made</dt>
        <dd>{moment(job.created_at)}</dd>
        <dt>Due</dt>
        <dd>{moment(job.run_at)}</dd>
        <dt>Started</dt>
        <dd>{moment(job.started_at)}</dd>
        <dt>Ended</dt>
        <dd>{moment(job.finished_at)}</dd>
        <dt>Correlation</dt>
        <dd className="mono">
          <Link to="/operate/jobs" search={{ correlation_id: job.correlation_id }}>
            {job.correlation_id}
          </Link>
        </dd>
        {job.parent_id && (
          <>
            <dt>Followed</dt>
            <dd className="mono">
              <Link to="/operate/jobs/$id" params={{ id: job.parent_id }}>
                {job.parent_id}
              </Link>
            </dd>
          </>
        )}
        <dt>Tenant</dt>
        <dd className="mono">{job.tenant_id}</dd>
      </dl>
    </Box>
  );
}

function Document({ title, value, job }: { title: string; value: unknown; job: Job }) {
  if (job.needs_scope) {
    return (
      <Box className="panel panel-pad" component="section" aria-label={title}>
        <Title order={2} size="h5" mb={4}>
          {title}
        </Title>
        <Text size="sm">
          {TEXTS.hidden} <code>{job.needs_scope}</code>.
        </Text>
      </Box>
    );
  }
  if (value === null || value === undefined) return null;
  return (
    <Box className="panel panel-pad" component="section" aria-label={title}>
      <Title order={2} size="h5" mb={6}>
        {title}
      </Title>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls has to be reachable by keys */}
      <pre className="payload mono" tabIndex={0}>
        {JSON.stringify(value, null, 2)}
      </pre>
    </Box>
  );
}

function Children({ id }: { id: string }) {
  const children = useQuery({
    queryKey: ["jobs", { parent_id: id }],
    queryFn: ({ signal }) =>
      answerAs<Page<Job>>(client.GET("/api/jobs", { params: { query: { parent_id: id, limit: 20 } }, signal })),
    refetchInterval: 5_000,
  });
  if (!children.data?.items.length) return null;
  return (
    <section aria-label="Jobs that followed">
      <Title order={2} size="h5" mb="xs">
        Jobs that followed
      </Title>
      <Rows
        label="Jobs that followed"
        columns={COLUMNS.slice(0, 3)}
        rows={children.data.items}
        rowKey={(job) => job.id}
      />
      {children.data.next_cursor && (
        <Anchor component={Link} to={`/operate/jobs?parent_id=${id}` as "/"} size="sm">
          All of them
        </Anchor>
      )}
    </section>
  );
}

function Cancel({ job, onClose }: { job: Job; onClose: () => void }) {
  const act = useAct({
    run: (reason: string | null) =>
      answer(client.POST("/api/jobs/{id}/cancel", { params: { path: { id: job.id } }, body: { reason } })),
    changes: [["job", job.id]],
    done: (out) => (out.outcome === "cancelled" ? "The job is cancelled" : "The job was asked to stop"),
    isShownElsewhere: true,
    onDone: onClose,
  });
  return (
    <Confirm
      title={`Cancel ${job.kind}`}
      what={TEXTS.cancelWhat}
      verb={TEXTS.cancel}
      isDestructive
      error={act.error}
      isBusy={act.isPending}
      onClose={onClose}
      onConfirm={act.mutate}
    />
  );
}

function RetryOne({ job }: { job: Job }) {
  const act = useAct({
    run: () =>
      answer(
        client.POST("/api/admin/dead-letters/{id}/retry", { params: { path: { id: job.id } }, body: { reason: null } }),
      ),
    changes: [["job", job.id], ["attempts", job.id], ["dead"]],
    done: () => "The job is ready again",
  });
  return (
    <Button onClick={() => act.mutate(undefined)} loading={act.isPending}>
      Retry
    </Button>
  );
}
