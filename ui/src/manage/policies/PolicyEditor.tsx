// A policy: whom it is for, what it promises, and what that would mean for tickets that come now. Nothing is stored before
// it is saved; a refusal keeps what was typed.

import {
  Box,
  Button,
  Checkbox,
  Group,
  MultiSelect,
  Select,
  Stack,
  TagsInput,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { words } from "../../parts/format.ts";
import { Body, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import type { Calendar } from "../calendars/shapes.ts";
import { type ClockKind, KINDS } from "../sla/shapes.ts";
import { type Form, formOf, read } from "./form.ts";
import { policiesKey } from "./Policies.tsx";
import { PolicyPreview } from "./PolicyPreview.tsx";
import { type Policy, PRIORITIES, type Priority } from "./shapes.ts";
import { TargetTable } from "./TargetTable.tsx";
import { TEXTS } from "./texts.ts";

export function PolicyEditor() {
  const { id } = useParams({ strict: false }) as { id: string };
  const policy = useQuery({
    queryKey: [...policiesKey, id],
    queryFn: ({ signal }) =>
      id === "new"
        ? Promise.resolve(null)
        : answerAs<Policy>(client.GET("/api/sla/policies/{id}", { params: { path: { id } }, signal })),
    // What a person edits is not taken from under them.
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Screen title={policy.data?.name ?? (id === "new" ? TEXTS.make : TEXTS.title)}>
      <Body query={policy}>{(known) => <Editor key={known?.version ?? 0} known={known} />}</Body>
    </Screen>
  );
}

function Editor({ known }: { known: Policy | null }) {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const mayChange = may(session.data, "sla:write");
  const [form, setForm] = useState<Form>(() => formOf(known));
  const [isEnding, setEnding] = useState(false);
  const set = (changes: Partial<Form>) => setForm((typed) => ({ ...typed, ...changes }));
  const calendars = useQuery({
    queryKey: ["sla", "calendars"],
    queryFn: ({ signal }) => answerAs<Page<Calendar>>(client.GET("/api/sla/calendars", { signal })),
  });
  const wanted = read(form);
  const save = useAct({
    run: () => {
      const body = wanted.body as never;
      if (known === null) return answer(client.POST("/api/sla/policies", { body }));
      const params = { path: { id: known.id }, header: { "If-Match": `"v${known.version}"` } };
      return answer(client.PATCH("/api/sla/policies/{id}", { params, body }));
    },
    changes: [policiesKey],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
    onDone: () => void navigate({ to: "/manage/policies" }),
  });
  const end = useAct({
    run: () =>
      answer(
        client.DELETE("/api/sla/policies/{id}", {
          params: { path: { id: known?.id ?? "" }, header: { "If-Match": `"v${known?.version}"` } },
        }),
      ),
    changes: [policiesKey],
    gone: [...policiesKey, known?.id],
    done: () => "The policy has ended",
    isShownElsewhere: true,
    onDone: () => void navigate({ to: "/manage/policies" }),
  });
  const needsHours = Object.values(form.targets).some((goals) => Object.values(goals).some((goal) => goal.isBusiness));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted.faults.length === 0) save.mutate(undefined);
      }}
    >
      <div className="columns">
        <Stack gap="md">
          <Box className="panel panel-pad" component="section" aria-label={TEXTS.whom}>
            <Stack gap="sm">
              <TextInput
                label={TEXTS.name}
                required
                maxLength={100}
                value={form.name}
                onChange={(event) => set({ name: event.currentTarget.value })}
              />
              <Title order={2} size="h5">
                {TEXTS.whom}
              </Title>
              <Text size="sm" className="quiet">
                {TEXTS.whomNote}
              </Text>
              <div className="form-grid">
                <MultiSelect
                  label={TEXTS.priorities}
                  size="xs"
                  data={PRIORITIES.map((value) => ({ value, label: words(value) }))}
                  value={form.priorities}
                  onChange={(value) => set({ priorities: value as Priority[] })}
                />
                <TagsInput
                  label={TEXTS.channels}
                  size="xs"
                  data={["email", "chat", "phone", "form"]}
                  value={form.channels}
                  onChange={(channels) => set({ channels })}
                />
                <TagsInput label={TEXTS.tags} size="xs" value={form.tags} onChange={(tags) => set({ tags })} />
                <TagsInput
                  label={TEXTS.departments}
                  size="xs"
                  value={form.departments}
                  onChange={(departments) => set({ departments })}
                />
                <TagsInput label={TEXTS.tiers} size="xs" value={form.tiers} onChange={(tiers) => set({ tiers })} />
              </div>
            </Stack>
          </Box>
          <Box className="panel panel-pad" component="section" aria-label={TEXTS.targets}>
            <Stack gap="sm">
              <Title order={2} size="h5">
                {TEXTS.targets}
              </Title>
              <Text size="sm" className="quiet">
                {TEXTS.targetsNote}
              </Text>
              <TargetTable targets={form.targets} onChange={(targets) => set({ targets })} />
              <div className="form-grid">
                <Select
                  label={TEXTS.calendar}
                  description={TEXTS.calendarHint}
                  clearable
                  required={needsHours}
                  data={calendars.data?.items.map((calendar) => ({ value: calendar.id, label: calendar.name })) ?? []}
                  value={form.calendar}
                  onChange={(calendar) => set({ calendar })}
                />
                <TextInput
                  label={TEXTS.from}
                  description={TEXTS.fromHint}
                  type="datetime-local"
                  value={form.from}
                  onChange={(event) => set({ from: event.currentTarget.value })}
                />
              </div>
              <Checkbox.Group
                label={TEXTS.pauses}
                size="xs"
                value={form.pauses}
                onChange={(value) => set({ pauses: value as ClockKind[] })}
              >
                <Group gap="md" mt={6}>
                  {Object.entries(KINDS).map(([value, label]) => (
                    <Checkbox key={value} value={value} label={label} size="sm" />
                  ))}
                </Group>
              </Checkbox.Group>
            </Stack>
          </Box>
          {save.isError && <Failure error={save.error} compact />}
          {mayChange && (
            <Group justify="space-between">
              <Button type="submit" loading={save.isPending} disabled={wanted.faults.length > 0}>
                {TEXTS.save}
              </Button>
              {known && (
                <Button variant="default" onClick={() => setEnding(true)}>
                  {TEXTS.end}
                </Button>
              )}
            </Group>
          )}
        </Stack>
        <PolicyPreview wanted={wanted} />
      </div>
      {isEnding && (
        <Confirm
          title={TEXTS.end}
          what={TEXTS.endWhat}
          verb={TEXTS.end}
          isDestructive
          needsReason={false}
          error={end.error}
          isBusy={end.isPending}
          onClose={() => setEnding(false)}
          onConfirm={() => end.mutate(undefined)}
        />
      )}
    </form>
  );
}
