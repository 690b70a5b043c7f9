// A mailbox: its address, the server that answers leave through, how they are signed, what a customer is told at once.
// Passwords and keys are sent and never shown.

import {
  Button,
  Checkbox,
  Group,
  NativeSelect,
  NumberInput,
  PasswordInput,
  Stack,
  Switch,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { type Mailbox, type MailboxWanted, makeMailbox, putMailbox } from "./calls.ts";
import { SECURITY, TEXTS } from "./texts.ts";

type Props = { known: Mailbox | null; changes: string[]; onMade: (token: string) => void; onClose: () => void };

export function MailboxDialog({ known, changes, onMade, onClose }: Props) {
  const [form, setForm] = useState(() => ({
    address: known?.address ?? "",
    displayName: known?.display_name ?? "",
    isDefault: known?.is_default ?? false,
    sends: Boolean(known?.smtp),
    host: known?.smtp?.host ?? "",
    port: known?.smtp?.port ?? 465,
    security: known?.smtp?.security ?? "tls",
    username: known?.smtp?.username ?? "",
    password: "",
    signs: Boolean(known?.dkim),
    domain: known?.dkim?.domain ?? "",
    selector: known?.dkim?.selector ?? "",
    privateKey: "",
    acknowledgement: known?.acknowledgement ?? "",
  }));
  const set = (next: Partial<typeof form>) => setForm((typed) => ({ ...typed, ...next }));
  const text = (name: "address" | "displayName" | "host" | "username" | "domain" | "selector") => ({
    value: form[name],
    onChange: (event: { currentTarget: HTMLInputElement }) => set({ [name]: event.currentTarget.value }),
  });
  const save = useAct({
    run: async () => {
      if (known) {
        await putMailbox(known.id, wanted(form));
        return null;
      }
      return (await makeMailbox(wanted(form))).token;
    },
    changes: [changes],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
    onDone: (token) => {
      onClose();
      if (token) onMade(token);
    },
  });
  return (
    <Dialog onClose={onClose} title={known ? known.address : TEXTS.make} size="lg">
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
              type="email"
              required
              disabled={known !== null}
              data-autofocus={known === null || undefined}
              {...text("address")}
            />
            <TextInput label={TEXTS.displayName} maxLength={200} {...text("displayName")} />
          </div>
          <Checkbox
            size="sm"
            label={TEXTS.isDefault}
            checked={form.isDefault}
            onChange={(event) => set({ isDefault: event.currentTarget.checked })}
          />
          <Switch
            label={TEXTS.sends}
            checked={form.sends}
            onChange={(event) => set({ sends: event.currentTarget.checked })}
          />
          {form.sends && (
            <div className="form-grid">
              <TextInput label={TEXTS.host} required {...text("host")} />
              <NumberInput
                label={TEXTS.port}
                required
                min={1}
                max={65_535}
                allowDecimal={false}
                value={form.port}
                onChange={(value) => set({ port: Number(value) || 0 })}
              />
              <NativeSelect
                label={TEXTS.security}
                size="xs"
                data={SECURITY}
                value={form.security}
                onChange={(event) => set({ security: event.currentTarget.value })}
              />
              <TextInput label={TEXTS.username} autoComplete="off" {...text("username")} />
              <PasswordInput
                label={TEXTS.password}
                description={known?.smtp ? TEXTS.passwordKept : undefined}
                size="xs"
                autoComplete="new-password"
                value={form.password}
                onChange={(event) => set({ password: event.currentTarget.value })}
                visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
              />
            </div>
          )}
          <Switch
            label={TEXTS.signs}
            checked={form.signs}
            onChange={(event) => set({ signs: event.currentTarget.checked })}
          />
          {form.signs && (
            <>
              <div className="form-grid">
                <TextInput label={TEXTS.domain} required {...text("domain")} />
                <TextInput label={TEXTS.selector} required {...text("selector")} />
              </div>
              <Textarea
                label={TEXTS.privateKey}
                description={TEXTS.privateKeyHint}
                size="xs"
                autosize
                minRows={2}
                maxRows={6}
                required={!known?.dkim}
                value={form.privateKey}
                onChange={(event) => set({ privateKey: event.currentTarget.value })}
              />
            </>
          )}
          <Textarea
            label={TEXTS.acknowledgement}
            description={TEXTS.acknowledgementHint}
            size="xs"
            autosize
            minRows={2}
            maxRows={8}
            value={form.acknowledgement}
            onChange={(event) => set({ acknowledgement: event.currentTarget.value })}
          />
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

function wanted(form: Record<string, string | number | boolean>): MailboxWanted {
  const text = (name: string) => String(form[name] ?? "").trim();
  const orNone = (name: string) => text(name) || null;
  return {
    address: text("address"),
    display_name: orNone("displayName"),
    is_default: form.isDefault === true,
    smtp: form.sends
      ? {
          host: text("host"),
          port: Number(form.port),
          security: text("security"),
          username: orNone("username"),
          password: String(form.password) || null,
        }
      : null,
    dkim: form.signs ? { domain: text("domain"), selector: text("selector"), private_key: orNone("privateKey") } : null,
    acknowledgement: orNone("acknowledgement"),
  };
}
