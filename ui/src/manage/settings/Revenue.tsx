// Which orders are revenue. All figures of customers count by it, so a change counts all orders anew.

import { Radio, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import { useAct } from "../../parts/act.tsx";
import { Body } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { Part } from "./Part.tsx";
import { REVENUE, TEXTS } from "./texts.ts";

const KEY = ["settings", "revenue"];

export function Revenue() {
  const rule = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => answer(client.GET("/api/orders/revenue-rule", { signal })),
    refetchInterval: (query) => (query.state.data?.is_applied === false ? 3_000 : false),
  });
  return (
    <Body query={rule} rows={3}>
      {(known) => <Edit key={known.rule} rule={known.rule} isApplied={known.is_applied} />}
    </Body>
  );
}

function Edit({ rule, isApplied }: { rule: string; isApplied: boolean }) {
  const [wanted, setWanted] = useState(rule);
  const save = useAct({
    run: () => answer(client.PUT("/api/orders/revenue-rule", { body: { rule: wanted } })),
    changes: [KEY],
    done: () => TEXTS.recounting,
    isShownElsewhere: true,
  });
  return (
    <Part
      title={TEXTS.revenue}
      note={TEXTS.revenueNote}
      error={save.error}
      isBusy={save.isPending}
      isChanged={wanted !== rule}
      onSave={() => save.mutate(undefined)}
    >
      <Radio.Group aria-label={TEXTS.revenue} value={wanted} onChange={setWanted}>
        <Stack gap={8}>
          {Object.entries(REVENUE).map(([value, label]) => (
            <Radio key={value} value={value} label={label} size="sm" />
          ))}
        </Stack>
      </Radio.Group>
      {!isApplied && <State name="running">{TEXTS.recounting}</State>}
    </Part>
  );
}
