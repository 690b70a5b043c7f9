// A person's request. Erasing has no way back, so a word is typed before it.

import { Button, Checkbox, Group, NativeSelect, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { ask, type NewRequest, privacyKey } from "./calls.ts";
import { KINDS, TEXTS } from "./texts.ts";

const WORD = "ERASE";

export function NewRequestDialog({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState({
    kind: "export" as NewRequest["kind"],
    customer: "",
    email: "",
    proof: "",
    helpDesk: false,
  });
  const [typed, setTyped] = useState("");
  const set = (changes: Partial<typeof form>) => setForm((before) => ({ ...before, ...changes }));
  const isErasing = form.kind === "erase";
  const send = useAct({
    run: () =>
      ask({
        kind: form.kind,
        customer_id: form.customer.trim() || null,
        email: form.email.trim() || null,
        verification: form.proof.trim(),
        in_help_desk: isErasing && form.helpDesk,
      }),
    changes: [privacyKey],
    done: () => TEXTS.sent,
    isShownElsewhere: true,
    onDone: onClose,
  });
  const isReady =
    (form.customer.trim() !== "" || form.email.trim() !== "") &&
    form.proof.trim().length >= 3 &&
    (!isErasing || typed === WORD);
  return (
    <Dialog onClose={onClose} title={TEXTS.make}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) send.mutate(undefined);
        }}
      >
        <Stack gap="sm">
          <NativeSelect
            label={TEXTS.kind}
            size="xs"
            data={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
            value={form.kind}
            onChange={(event) => set({ kind: event.currentTarget.value as NewRequest["kind"] })}
          />
          <TextInput
            label={TEXTS.customer}
            description={TEXTS.who}
            maxLength={128}
            value={form.customer}
            onChange={(event) => set({ customer: event.currentTarget.value })}
          />
          <TextInput
            label={TEXTS.email}
            type="email"
            value={form.email}
            onChange={(event) => set({ email: event.currentTarget.value })}
          />
          <Textarea
            label={TEXTS.verification}
            description={TEXTS.verificationHint}
            size="xs"
            required
            maxLength={2_000}
            value={form.proof}
            onChange={(event) => set({ proof: event.currentTarget.value })}
          />
          {isErasing && (
            <>
              <Checkbox
                size="sm"
                label={TEXTS.helpDesk}
                checked={form.helpDesk}
                onChange={(event) => set({ helpDesk: event.currentTarget.checked })}
              />
              <Text size="sm">{TEXTS.eraseWhat}</Text>
              <TextInput
                label={TEXTS.typed}
                autoComplete="off"
                value={typed}
                onChange={(event) => setTyped(event.currentTarget.value)}
              />
            </>
          )}
          {send.isError && <Failure error={send.error} compact />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" color={isErasing ? "red" : undefined} disabled={!isReady} loading={send.isPending}>
              {TEXTS.send}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
