// Retry or discard everything that matches: counted first by a dry run, with a canary, a reason, and the number typed.

import { NumberInput, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answerAs, client } from "../../api/client.ts";
import { toast, useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { count } from "../../parts/format.ts";
import { TEXTS } from "./texts.ts";

export type Selection = Partial<Record<"kind" | "queue" | "fingerprint" | "error_class" | "tenant_id", string>>;
export type Chosen = { act: "retry" | "discard"; selection: Selection; name: string };

type Result = { matching?: number; job_id?: string; job_ids?: string[] };
type Props = { asked: Chosen; onClose: () => void; onUnderWay: (jobId: string) => void };

export function BulkDialog({ asked, onClose, onUnderWay }: Props) {
  const { act, selection, name } = asked;
  const isAll = Object.keys(selection).length === 0;
  const [canary, setCanary] = useState<number | string>(act === "retry" ? 10 : 0);
  const send = (reason: string | null, dry_run: boolean) => {
    const filter = {
      tenant_id: null,
      kind: null,
      queue: null,
      fingerprint: null,
      error_class: null,
      died_from: null,
      died_to: null,
      ...selection,
    };
    const body = {
      ids: null,
      filter: isAll ? null : filter,
      all: isAll,
      dry_run,
      reason,
      canary: act === "retry" ? Number(canary) || 0 : 0,
    };
    return answerAs<Result>(
      act === "retry"
        ? client.POST("/api/admin/dead-letters/retry", { body })
        : client.POST("/api/admin/dead-letters/discard", { body }),
    );
  };
  const dry = useQuery({
    queryKey: ["dead", "dry", act, selection],
    queryFn: () => send(null, true),
    gcTime: 0,
    staleTime: 0,
  });
  const bulk = useAct({
    run: (reason: string | null) => send(reason, false),
    changes: [["dead"]],
    isShownElsewhere: true,
    onDone: (out) => {
      if (out.job_id) onUnderWay(out.job_id);
      else {
        toast(`Done: ${count(out.job_ids?.length ?? 0)} jobs`);
        onClose();
      }
    },
  });
  return (
    <Confirm
      title={act === "retry" ? "Retry dead jobs" : "Discard dead jobs"}
      what={
        <>
          <Text size="sm" fw={600} mb={4}>
            {name}
          </Text>
          {act === "retry" ? TEXTS.retryWhat : TEXTS.discardWhat} {isAll ? TEXTS.everything : ""}
        </>
      }
      verb={act === "retry" ? TEXTS.retry : TEXTS.discard}
      isDestructive={act === "discard"}
      matching={dry.data?.matching}
      error={bulk.error ?? dry.error}
      isBusy={bulk.isPending || dry.isPending}
      onClose={onClose}
      onConfirm={bulk.mutate}
    >
      {act === "retry" && (
        <NumberInput
          label={TEXTS.canary}
          description={TEXTS.canaryHint}
          min={0}
          max={1000}
          value={canary}
          onChange={setCanary}
        />
      )}
    </Confirm>
  );
}
