// An endpoint: its address and what it listens to. One that is made answers with its secret, which is shown this once.

import { Button, Checkbox, Group, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { Secret } from "../../parts/Secret.tsx";
import { EventPicker } from "../events/EventPicker.tsx";
import { change, ENDPOINTS, type Endpoint, make } from "./calls.ts";
import { TEXTS } from "./texts.ts";

export function EndpointDialog({ known, onClose }: { known: Endpoint | null; onClose: () => void }) {
  const [form, setForm] = useState({
    url: known?.url ?? "",
    description: known?.description ?? "",
    events: known?.events ?? [],
    ordered: known?.ordered ?? false,
  });
  const [secret, setSecret] = useState<string | null>(null);
  const set = (next: Partial<typeof form>) => setForm((typed) => ({ ...typed, ...next }));
  const save = useAct({
    run: async () => {
      const wanted = { ...form, url: form.url.trim() };
      if (!known) return (await make(wanted)).secret;
      await change(known.id, wanted);
      return null;
    },
    changes: [ENDPOINTS],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
    onDone: (made) => (made ? setSecret(made) : onClose()),
  });
  if (secret) return <SecretDialog secret={secret} onClose={onClose} />;
  return (
    <Dialog onClose={onClose} title={known ? TEXTS.change : TEXTS.make} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(undefined);
        }}
      >
        <Stack gap="sm">
          <TextInput
            label={TEXTS.url}
            description={TEXTS.urlHint}
            placeholder="https://"
            type="url"
            required
            maxLength={2000}
            data-autofocus
            value={form.url}
            onChange={(event) => set({ url: event.currentTarget.value })}
          />
          <Textarea
            label={TEXTS.description}
            size="xs"
            autosize
            maxRows={4}
            maxLength={500}
            value={form.description}
            onChange={(event) => set({ description: event.currentTarget.value })}
          />
          <EventPicker label={TEXTS.events} picked={form.events} onChange={(events) => set({ events })} />
          <Checkbox
            size="sm"
            label={TEXTS.ordered}
            description={TEXTS.orderedHint}
            checked={form.ordered}
            onChange={(event) => set({ ordered: event.currentTarget.checked })}
          />
          {save.isError && <Failure error={save.error} compact />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {TEXTS.cancel}
            </Button>
            <Button type="submit" loading={save.isPending} disabled={form.events.length === 0}>
              {known ? TEXTS.save : TEXTS.make}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

export function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Dialog onClose={onClose} title={TEXTS.secret}>
      <Stack gap="sm">
        <Secret text={secret} note={TEXTS.secretNote} />
        <Group justify="flex-end">
          <Button onClick={onClose}>{TEXTS.done}</Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
