// One import: how it went, what was left out and why, and taking it back.

import { Box, Button, Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Job, Failure as JobFailure, Progress } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";
import { isFinished, useLiveJob } from "../../operate/jobs/live.ts";
import { ProgressBar } from "../../operate/jobs/ProgressBar.tsx";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { count, words } from "../../parts/format.ts";
import { usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { fatesQuery, importQuery, payloadQuery } from "./after.ts";
import { type Fate, fileName, nameOf } from "./fates.ts";
import { TEXTS } from "./texts.ts";

type Reject = components["schemas"]["RejectView"];
type Undone = components["schemas"]["UndoneView"];
type Outcome = Record<string, unknown>;

const COLUMNS: Column<Reject>[] = [
  { head: "Line", isNumber: true, cell: (reject) => count(reject.line_number) },
  { head: "What became of it", cell: (reject) => words(reject.kind) },
  { head: "Why", isWide: true, cell: (reject) => reject.reason },
  { head: "Column", cell: (reject) => reject.column ?? "–" },
  { head: "The line", isWide: true, cell: (reject) => <code>{reject.raw}</code> },
];

/** What is counted, and how it is called where the words of the wire say too little. */
const FIGURES: [string, string][] = [
  ["lines", "Rows"],
  ["inserted", "Rows of new or replaced orders"],
  ["duplicates", "Rows known already"],
  ["rejected", "Rows left out"],
  ["orders_inserted", "Orders inserted"],
  ["orders_replaced", "Orders replaced"],
  ["orders_unchanged", "Orders unchanged"],
  ["orders_older", "Orders left, as newer ones are stored"],
];

/** What came of taking it back. */
const UNDONE: [keyof Undone, string][] = [
  ["orders_removed", "Taken back: orders that are gone"],
  ["orders_restored", "Taken back: orders as before"],
  ["orders_confirmed", "Stay, as another import has them"],
  ["orders_newer", "Stay, as newer ones are stored"],
];

export function Import() {
  const { id } = useParams({ strict: false }) as { id: string };
  const job = useQuery({
    queryKey: ["job", id],
    queryFn: ({ signal }) => answerAs<Job>(client.GET("/api/jobs/{id}", { params: { path: { id } }, signal })),
    refetchInterval: (query) => (isFinished(query.state.data?.state) ? false : 2_000),
  });
  useLiveJob(id, job.data?.state);
  const fate = useQuery(fatesQuery(job.data?.created_at)).data?.get(id);
  const listed = useQuery(importQuery(id, job.data?.state, fate)).data;
  const given = fileName(useQuery(payloadQuery(id)).data);
  const name = nameOf(listed) ?? given;
  const [isAsking, setAsking] = useState(false);
  const undo = useAct({
    run: () => answer(client.POST("/api/orders/imports/{job_id}/undo", { params: { path: { job_id: id } } })),
    changes: [["job", id], ["jobs"]],
    done: (out) => (
      <>
        The import is being taken back.{" "}
        <Link to="/operate/jobs/$id" params={{ id: (out as { job_id: string }).job_id }}>
          Follow it
        </Link>
      </>
    ),
    isShownElsewhere: true,
    onDone: () => setAsking(false),
  });
  const list = usePages<Reject>(["rejects", id, job.data?.state], (cursor, signal) =>
    answer(
      client.GET("/api/orders/imports/{job_id}/rejects", {
        params: { path: { job_id: id }, query: { cursor, limit: 50 } },
        signal,
      }),
    ),
  );
  return (
    <Screen
      title={name ? `Import: ${name}` : "Import"}
      note={
        job.data ? (
          <>
            Begun <Age at={job.data.created_at} />.{" "}
            <Link to="/operate/jobs/$id" params={{ id }}>
              Its job
            </Link>
          </>
        ) : undefined
      }
      queries={[job]}
      actions={
        job.data?.state === "done" && !fate ? (
          <Button variant="default" onClick={() => setAsking(true)}>
            {TEXTS.undo}
          </Button>
        ) : undefined
      }
    >
      <Body query={job}>{(known) => <Standing job={known} fate={fate} undone={listed?.undone ?? null} />}</Body>
      <section aria-label={TEXTS.rejects}>
        <Group justify="space-between" mb="xs">
          <Title order={2} size="h5">
            {TEXTS.rejects}
          </Title>
          {list.rows?.length ? (
            <a href={`/api/orders/imports/${id}/rejects.csv`} download className="small">
              All of them as a file
            </a>
          ) : null}
        </Group>
        <Body query={list.query} rows={3}>
          {() =>
            list.rows?.length ? (
              <Rows
                label={TEXTS.rejects}
                columns={COLUMNS}
                rows={list.rows}
                rowKey={(reject) => `${reject.line_number} ${reject.code}`}
                onMore={list.onMore}
                isLoadingMore={list.query.isFetchingNextPage}
              />
            ) : (
              <Empty title={TEXTS.noRejects} />
            )
          }
        </Body>
      </section>
      {isAsking && (
        <Confirm
          title={TEXTS.undo}
          what={TEXTS.undoWhat}
          verb={TEXTS.undo}
          isDestructive
          needsReason={false}
          error={undo.error}
          isBusy={undo.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => undo.mutate(undefined)}
        />
      )}
    </Screen>
  );
}

function Standing({ job, fate, undone }: { job: Job; fate: Fate | undefined; undone: Undone | null }) {
  // A source's job has its import inside.
  const whole = job.result as (Outcome & { import?: Outcome | null }) | null;
  const result = whole?.import ?? whole;
  const error = job.error as JobFailure | null;
  return (
    <Box className="panel panel-pad" aria-live="polite">
      <Text fw={600}>
        <State name={fate ?? job.state} />
      </Text>
      {!result && job.progress != null && <ProgressBar progress={job.progress as Progress} />}
      {error?.message && <Text size="sm">{error.message}</Text>}
      {result && (
        <dl className="facts" style={{ marginTop: 8 }}>
          {FIGURES.flatMap(([name, called]) =>
            typeof result[name] === "number"
              ? [<Fact key={name} name={called} value={count(result[name] as number)} />]
              : [],
          )}
          <Reasons name="Left out" rows={result.left_out} />
          <Reasons name="Remarks" rows={result.remarks} />
          {fate &&
            undone &&
            UNDONE.map(([name, called]) => <Fact key={name} name={called} value={count(undone[name])} />)}
        </dl>
      )}
    </Box>
  );
}

/** Rows by reason. */
function Reasons({ name, rows }: { name: string; rows: unknown }) {
  const reasons = Object.entries((rows ?? {}) as Record<string, number>);
  if (reasons.length === 0) return null;
  const told = reasons.map(([reason, number]) => `${words(reason).toLowerCase()} ${count(number)}`);
  return <Fact name={name} value={told.join(", ")} />;
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
