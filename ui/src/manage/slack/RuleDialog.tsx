// A rule: which events, which channel, each at once or together, and the hours in which nobody is disturbed.

import { Button, Group, NativeSelect, Select, Stack, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { EventPicker } from "../events/EventPicker.tsx";
import { changeRule, makeRule, type Rule, SLACK, type Workspace } from "./calls.ts";
import { clock, digests, zones } from "./hours.ts";
import { TEXTS } from "./texts.ts";

/** As the API takes it. */
const CHANNEL = /^[CGD][A-Z0-9]{1,30}$/;

type Props = { known: Rule | null; workspaces: Workspace[]; onClose: () => void };

export function RuleDialog({ known, workspaces, onClose }: Props) {
  const [form, setForm] = useState(() => ({
    workspace: known?.workspace_id ?? workspaces[0]?.id ?? "",
    channel: known?.channel ?? "",
    events: known?.events ?? [],
    isQuiet: known ? known.quiet_from !== null : false,
    from: clock(known?.quiet_from ?? 22 * 60),
    to: clock(known?.quiet_to ?? 7 * 60),
    zone: known?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    digest: String(known?.digest_minutes ?? 0),
  }));
  const set = (next: Partial<typeof form>) => setForm((typed) => ({ ...typed, ...next }));
  const isChannel = CHANNEL.test(form.channel.trim());
  const save = useAct({
    run: () => {
      const wanted = {
        channel: form.channel.trim(),
        events: form.events,
        quiet_hours: form.isQuiet ? [form.from, form.to] : [],
        timezone: form.zone,
        digest_minutes: Number(form.digest),
      };
      return known ? changeRule(known.id, wanted) : makeRule({ ...wanted, workspace_id: form.workspace });
    },
    changes: [SLACK],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
    onDone: onClose,
  });
  return (
    <Dialog onClose={onClose} title={known ? TEXTS.change : TEXTS.make} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(undefined);
        }}
      >
        <Stack gap="sm">
          {!known && workspaces.length > 1 && (
            <NativeSelect
              label={TEXTS.workspace}
              size="xs"
              data={workspaces.map(({ id, team_id, team_name }) => ({ value: id, label: team_name || team_id }))}
              value={form.workspace}
              onChange={(event) => set({ workspace: event.currentTarget.value })}
            />
          )}
          <TextInput
            label={TEXTS.channel}
            description={TEXTS.channelHint}
            required
            maxLength={40}
            data-autofocus
            value={form.channel}
            error={form.channel !== "" && !isChannel ? TEXTS.channelBad : null}
            onChange={(event) => set({ channel: event.currentTarget.value })}
          />
          <EventPicker label={TEXTS.tells} picked={form.events} onChange={(events) => set({ events })} />
          <NativeSelect
            label={TEXTS.digest}
            size="xs"
            data={digests(known?.digest_minutes ?? 0)}
            value={form.digest}
            onChange={(event) => set({ digest: event.currentTarget.value })}
          />
          <Switch
            label={TEXTS.quiet}
            description={TEXTS.quietHint}
            checked={form.isQuiet}
            onChange={(event) => set({ isQuiet: event.currentTarget.checked })}
          />
          {form.isQuiet && (
            <div className="form-grid">
              {(["from", "to"] as const).map((name) => (
                <TextInput
                  key={name}
                  label={TEXTS[name]}
                  type="time"
                  required
                  value={form[name]}
                  onChange={(event) => set({ [name]: event.currentTarget.value })}
                />
              ))}
              <Select
                label={TEXTS.zone}
                searchable
                allowDeselect={false}
                limit={100}
                data={zones(form.zone)}
                value={form.zone}
                onChange={(zone) => set({ zone: zone ?? form.zone })}
              />
            </div>
          )}
          {save.isError && <Failure error={save.error} compact />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {TEXTS.cancel}
            </Button>
            <Button type="submit" loading={save.isPending} disabled={!isChannel || form.events.length === 0}>
              {known ? TEXTS.save : TEXTS.make}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
