// Sending again what a filter meets: counted by a dry run each time something is changed, then confirmed.

import { NativeSelect, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { toast, useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { count } from "../../parts/format.ts";
import { DELIVERIES, type Endpoint, replayMany } from "./calls.ts";
import { repeated } from "./filter.ts";
import { TEXTS } from "./texts.ts";

type Props = { filters: Record<string, string>; endpoint: Endpoint | undefined; onClose: () => void };

export function ReplayDialog({ filters, endpoint, onClose }: Props) {
  const [state, setState] = useState<"failed" | "delivered">(filters.state === "delivered" ? "delivered" : "failed");
  const filter = repeated(filters, endpoint?.id, state);
  const dry = useQuery({
    queryKey: [...DELIVERIES, "dry", filter],
    queryFn: () => replayMany({ ...filter, dry_run: true }),
    gcTime: 0,
    staleTime: 0,
  });
  const send = useAct({
    run: () => replayMany(filter),
    changes: [DELIVERIES],
    isShownElsewhere: true,
    onDone: (out) => {
      toast(`On their way again: ${count(out.deliveries)}`);
      onClose();
    },
  });
  const met = dry.data?.deliveries;
  const limits = [
    endpoint?.url,
    filters.type,
    filters.from && `from ${filters.from}`,
    filters.to && `until ${filters.to}`,
  ].filter(Boolean);
  return (
    <Confirm
      title={TEXTS.replayMany}
      what={TEXTS.replayManyWhat}
      verb={TEXTS.replay}
      matching={met}
      things={["delivery", "deliveries"]}
      needsReason={false}
      error={send.error ?? dry.error}
      isBusy={send.isPending || dry.isPending}
      onClose={onClose}
      onConfirm={() => send.mutate(undefined)}
    >
      <NativeSelect
        label={TEXTS.which}
        size="xs"
        data={[
          { value: "failed", label: TEXTS.thatFailed },
          { value: "delivered", label: TEXTS.thatArrived },
        ]}
        value={state}
        onChange={(event) => setState(event.currentTarget.value === "delivered" ? "delivered" : "failed")}
      />
      {limits.length > 0 && (
        <Text size="sm" className="quiet">
          As filtered: {limits.join(", ")}
        </Text>
      )}
      {dry.isPending && <Text size="sm">{TEXTS.counting}</Text>}
      {met === 0 && <Text size="sm">{TEXTS.nothing}</Text>}
      {dry.data?.has_more && <Text size="sm">{TEXTS.atOnce}</Text>}
    </Confirm>
  );
}
