// A question that is being answered: how far it is, or what it waits for, followed by the job's own stream; and a way to
// stop it. Without a job in hand (it was asked in another tab) the conversation is looked at until the answer is there.

import { Alert, Button, Group, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { answerAs, client } from "../../api/client.ts";
import { Problem } from "../../api/problem.ts";
import type { Failure as Failed, Job, Progress } from "../../api/shapes.ts";
import { isFinished, useLiveJob } from "../../operate/jobs/live.ts";
import { toast, useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { useNow } from "../../parts/now.ts";
import { stop } from "./calls.ts";
import type { Conversation, Exchange } from "./shapes.ts";
import { TEXTS } from "./texts.ts";
import { isLost, waitsFor } from "./waiting.ts";

type Props = {
  conversation: string;
  exchange: Exchange;
  job: string | null;
  /** It was taken back; its words are free again. */
  onStopped: (question: string) => void;
  onAgain: (question: string) => void;
};

export function Pending({ conversation, exchange, job, onStopped, onAgain }: Props) {
  const cache = useQueryClient();
  const look = () => cache.invalidateQueries({ queryKey: ["ask", conversation] });
  const end = useAct({
    run: async () => {
      try {
        await stop(conversation, exchange.id, job);
        return true;
      } catch (error) {
        // It was answered, or taken back elsewhere, in the same moment.
        if (error instanceof Problem && /^(conflict|not-now|gone)$/.test(error.kind)) return false;
        throw error;
      }
    },
    changes: [],
    onDone: (isStopped) => {
      if (!isStopped) return void look();
      cache.setQueryData<Conversation>(["ask", conversation], (known) =>
        known ? { ...known, exchanges: known.exchanges.filter((one) => one.id !== exchange.id) } : known,
      );
      toast(TEXTS.stopped);
      onStopped(exchange.question);
    },
  });
  const stopIt = (
    <Button variant="default" onClick={() => end.mutate(undefined)} loading={end.isPending}>
      {TEXTS.stop}
    </Button>
  );
  const again = (
    <Button variant="default" onClick={() => onAgain(exchange.question)}>
      {TEXTS.again}
    </Button>
  );
  const looking = <ByLooking askedAt={exchange.asked_at} stopIt={stopIt} again={again} />;
  if (job === null) return looking;
  return <ByJob id={job} stopIt={stopIt} again={again} onEnd={look} otherwise={looking} />;
}

type Parts = { stopIt: ReactNode; again: ReactNode };

/** `otherwise` is shown for a job that is gone: those that ended long ago are let go. */
function ByJob({
  id,
  stopIt,
  again,
  onEnd,
  otherwise,
}: Parts & { id: string; onEnd: () => void; otherwise: ReactNode }) {
  const now = useNow();
  const job = useQuery({
    queryKey: ["job", id],
    queryFn: ({ signal }) => answerAs<Job>(client.GET("/api/jobs/{id}", { params: { path: { id } }, signal })),
  });
  const state = job.data?.state;
  useLiveJob(id, state);
  const isDone = state === "done";
  const end = onEnd;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it has ended
  useEffect(() => {
    if (isDone) end();
  }, [isDone]);
  if (job.error instanceof Problem && job.error.kind === "gone" && job.data === undefined) return otherwise;
  if (job.isError && job.data === undefined) {
    return <Failure error={job.error} onRetry={() => void job.refetch()} compact />;
  }
  if (job.data && isFinished(state) && !isDone) return <NotAnswered job={job.data} again={again} />;
  const progress = job.data?.progress as Progress | null | undefined;
  const share = progress?.total && progress.done ? Math.min(1, progress.done / progress.total) : null;
  return (
    <div>
      <Group gap="sm" justify="space-between" wrap="nowrap">
        <Text size="sm" role="status">
          {job.data && !isDone ? waitsFor(job.data, now) : TEXTS.sending}
        </Text>
        {stopIt}
      </Group>
      {share !== null && (
        <div className="bar" aria-hidden="true">
          <span style={{ width: `${share * 100}%` }} />
        </div>
      )}
    </div>
  );
}

function ByLooking({ askedAt, stopIt, again }: Parts & { askedAt: string }) {
  const isOver = isLost(askedAt, useNow());
  return (
    <Group gap="sm" justify="space-between" wrap="nowrap">
      <Text size="sm" role="status">
        {isOver ? TEXTS.lost : "It is being answered."}
      </Text>
      <Group gap="xs" wrap="nowrap">
        {isOver && again}
        {stopIt}
      </Group>
    </Group>
  );
}

function NotAnswered({ job, again }: { job: Job; again: ReactNode }) {
  const failure = job.error as Failed | null;
  const why = job.state === "cancelled" ? (job.cancel_reason ?? "it was cancelled") : failure?.message;
  return (
    <Alert role="alert" color="red" variant="outline" title={TEXTS.failed}>
      {why && <Text size="sm">Because: {why}.</Text>}
      <Group mt="xs">{again}</Group>
    </Alert>
  );
}
