// How work is given out.

import { NativeSelect, NumberInput, Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";
import { useAct } from "../../parts/act.tsx";
import { Body } from "../../parts/Screen.tsx";
import { Part } from "./Part.tsx";
import { OFFLINE, TEXTS } from "./texts.ts";

type Policy = components["schemas"]["AssignmentPolicy"];
const KEY = ["settings", "assignment"];

export function Assignment() {
  const policy = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => answer(client.GET("/api/settings/assignment", { signal })),
    refetchOnWindowFocus: false,
  });
  return (
    <Body query={policy} rows={4}>
      {(known) => <Edit key={JSON.stringify(known)} known={known} />}
    </Body>
  );
}

function Edit({ known }: { known: Policy }) {
  const [form, setForm] = useState(known);
  const set = (changes: Partial<Policy>) => setForm((typed) => ({ ...typed, ...changes }));
  const save = useAct({
    run: () => answer(client.PUT("/api/settings/assignment", { body: form })),
    changes: [KEY],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
  });
  const number = (
    name: "offline_grace_secs" | "relax_skills_secs" | "newcomer_units" | "newcomer_every_secs",
    label: string,
    min: number,
    max: number,
  ) => (
    <NumberInput
      label={label}
      min={min}
      max={max}
      allowDecimal={false}
      value={form[name]}
      onChange={(value) => set({ [name]: Number(value) || min })}
    />
  );
  return (
    <Part
      title={TEXTS.assignment}
      error={save.error}
      isBusy={save.isPending}
      isChanged={JSON.stringify(form) !== JSON.stringify(known)}
      onSave={() => save.mutate(undefined)}
    >
      <Switch
        label={TEXTS.automatic}
        checked={form.automatic}
        onChange={(event) => set({ automatic: event.currentTarget.checked })}
      />
      <NativeSelect
        label={TEXTS.offline}
        size="xs"
        data={Object.entries(OFFLINE).map(([value, label]) => ({ value, label }))}
        value={form.offline}
        onChange={(event) => set({ offline: event.currentTarget.value as Policy["offline"] })}
      />
      {number("offline_grace_secs", TEXTS.grace, 0, 86_400)}
      {number("relax_skills_secs", TEXTS.relax, 0, 604_800)}
      {number("newcomer_units", TEXTS.newcomer, 1, 50)}
      {number("newcomer_every_secs", TEXTS.every, 1, 3_600)}
    </Part>
  );
}
