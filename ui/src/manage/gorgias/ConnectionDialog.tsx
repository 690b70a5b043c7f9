// Connecting the help desk, or changing how. Key and secret are sent and never shown.

import { Button, Checkbox, Group, NativeSelect, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { type Connection, helpDeskKey, saveConnection } from "./calls.ts";
import { bodyOf, canKeepSecret, type Form, formOf, keepsKey } from "./form.ts";
import { TEXTS } from "./texts.ts";

export function ConnectionDialog({ known, onClose }: { known: Connection; onClose: () => void }) {
  const [form, setForm] = useState<Form>(() => formOf(known));
  const set = (next: Partial<Form>) => setForm((typed) => ({ ...typed, ...next }));
  const isKept = keepsKey(known, form);
  const save = useAct({
    run: () => saveConnection(bodyOf(known, form)),
    changes: [helpDeskKey],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
    onDone: onClose,
  });
  const modes = [
    ...(known.verification ? [{ value: "stays", label: TEXTS.proofStays }] : []),
    { value: "token", label: TEXTS.byToken },
    { value: "hmac", label: TEXTS.byHmac },
  ];
  const eye = { visibilityToggleButtonProps: { "aria-label": TEXTS.show } };
  return (
    <Dialog onClose={onClose} title={known.is_connected ? TEXTS.connection : TEXTS.connect} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(undefined);
        }}
      >
        <Stack gap="sm">
          <div className="form-grid">
            <TextInput
              label={TEXTS.address}
              description={TEXTS.addressHint}
              type="url"
              required
              data-autofocus
              value={form.baseUrl}
              onChange={(event) => set({ baseUrl: event.currentTarget.value })}
            />
            <TextInput
              label={TEXTS.user}
              description={TEXTS.userHint}
              type="email"
              autoComplete="off"
              required
              value={form.email}
              onChange={(event) => set({ email: event.currentTarget.value })}
            />
            <PasswordInput
              label={TEXTS.apiKey}
              description={isKept ? TEXTS.kept : known.base_url ? TEXTS.keptNot : undefined}
              size="xs"
              autoComplete="new-password"
              required={!isKept}
              maxLength={1_000}
              value={form.apiKey}
              onChange={(event) => set({ apiKey: event.currentTarget.value })}
              {...eye}
            />
            <NativeSelect
              label={TEXTS.proof}
              size="xs"
              data={modes}
              value={form.mode}
              onChange={(event) => set({ mode: event.currentTarget.value as Form["mode"] })}
            />
            {form.mode !== "stays" && (
              <PasswordInput
                label={TEXTS.secret}
                description={TEXTS.secretHint}
                size="xs"
                autoComplete="new-password"
                required
                minLength={16}
                maxLength={1_000}
                value={form.secret}
                onChange={(event) => set({ secret: event.currentTarget.value })}
                {...eye}
              />
            )}
          </div>
          {canKeepSecret(known, form) && (
            <Checkbox
              size="sm"
              label={TEXTS.keepsBefore}
              checked={form.keepsBefore}
              onChange={(event) => set({ keepsBefore: event.currentTarget.checked })}
            />
          )}
          <Text size="sm" className="quiet">
            {TEXTS.headers}
          </Text>
          {save.isError && <Failure error={save.error} compact />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending}>
              {TEXTS.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
