// How the shop's help page looks, and whether it is there.

import { ColorInput, Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Body } from "../../parts/Screen.tsx";
import { Part } from "../settings/Part.tsx";
import { articlesKey, type HelpLooks, looks, putLooks } from "./calls.ts";
import { TEXTS } from "./texts.ts";

const KEY = [...articlesKey, "help"];

export function HelpPage() {
  const known = useQuery({ queryKey: KEY, queryFn: ({ signal }) => looks(signal), refetchOnWindowFocus: false });
  return (
    <Body query={known} rows={3}>
      {(stored) => <Edit key={JSON.stringify(stored)} stored={stored} />}
    </Body>
  );
}

function Edit({ stored }: { stored: HelpLooks }) {
  const [form, setForm] = useState(stored);
  const set = (changes: Partial<HelpLooks>) => setForm((typed) => ({ ...typed, ...changes }));
  const save = useAct({ run: () => putLooks(form), changes: [KEY], done: () => TEXTS.saved, isShownElsewhere: true });
  return (
    <Part
      title={TEXTS.help}
      error={save.error}
      isBusy={save.isPending}
      isChanged={JSON.stringify(form) !== JSON.stringify(stored)}
      onSave={() => save.mutate(undefined)}
    >
      <Switch
        label={TEXTS.helpOn}
        checked={form.is_on}
        onChange={(event) => set({ is_on: event.currentTarget.checked })}
      />
      <div className="form-grid">
        <TextInput
          label={TEXTS.helpTitle}
          required
          maxLength={200}
          value={form.title}
          onChange={(event) => set({ title: event.currentTarget.value })}
        />
        <ColorInput
          label={TEXTS.helpColour}
          size="xs"
          format="hex"
          withEyeDropper={false}
          value={form.colour}
          onChange={(colour) => set({ colour })}
        />
        <TextInput
          label={TEXTS.helpLanguage}
          maxLength={2}
          value={form.language}
          onChange={(event) => set({ language: event.currentTarget.value.toLowerCase() })}
        />
      </div>
      <Switch
        label={TEXTS.helpForm}
        checked={form.has_form}
        onChange={(event) => set({ has_form: event.currentTarget.checked })}
      />
    </Part>
  );
}
