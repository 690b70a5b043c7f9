// How the shop's tickets behave. What somebody else changed meanwhile is refused and shown.

import { NumberInput, TagsInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";
import { useAct } from "../../parts/act.tsx";
import { Body } from "../../parts/Screen.tsx";
import { Part } from "./Part.tsx";
import { TEXTS } from "./texts.ts";

type Setting = components["schemas"]["TicketSetting"];
type Known = { setting: Setting; tag: string | null };
const KEY = ["settings", "tickets"];

export function Tickets() {
  const setting = useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }): Promise<Known> => {
      const call = client.GET("/api/tickets/settings", { signal });
      const [known, { response }] = await Promise.all([answer(call), call]);
      return { setting: known, tag: response.headers.get("etag") };
    },
    refetchOnWindowFocus: false,
  });
  return (
    <Body query={setting} rows={3}>
      {(known) => <Edit key={JSON.stringify(known)} known={known} />}
    </Body>
  );
}

function Edit({ known }: { known: Known }) {
  const [form, setForm] = useState(known.setting);
  const set = (changes: Partial<Setting>) => setForm((typed) => ({ ...typed, ...changes }));
  const save = useAct({
    run: () =>
      answer(
        client.PUT("/api/tickets/settings", {
          params: { header: known.tag ? { "If-Match": known.tag } : {} },
          body: form,
        }),
      ),
    changes: [KEY],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
  });
  return (
    <Part
      title={TEXTS.tickets}
      error={save.error}
      isBusy={save.isPending}
      isChanged={JSON.stringify(form) !== JSON.stringify(known.setting)}
      onSave={() => save.mutate(undefined)}
    >
      <NumberInput
        label={TEXTS.final}
        description={TEXTS.finalHint}
        min={0}
        max={365}
        allowDecimal={false}
        value={form.final_after_days}
        onChange={(value) => set({ final_after_days: Number(value) || 0 })}
      />
      <NumberInput
        label={TEXTS.undo}
        description={TEXTS.undoHint}
        min={0}
        max={600}
        allowDecimal={false}
        value={form.undo_secs}
        onChange={(value) => set({ undo_secs: Number(value) || 0 })}
      />
      <TagsInput
        label={TEXTS.languages}
        description={TEXTS.languagesHint}
        size="xs"
        maxTags={4}
        data={["english", "german", "french", "spanish", "italian", "dutch", "portuguese", "swedish"]}
        value={form.search_languages}
        onChange={(search_languages) => set({ search_languages })}
      />
    </Part>
  );
}
