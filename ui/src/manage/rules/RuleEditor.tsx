// A rule: when it looks, what must hold, what it does; tried on the past before it is switched on, and what it did.

import { Box, Button, Group, NativeSelect, NumberInput, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { Body, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { ActionList } from "./ActionList.tsx";
import { ConditionList } from "./ConditionList.tsx";
import { changeRule, makeRule, type Rule, removeRule, rule, vocabulary, type Words } from "./calls.ts";
import { DryRun } from "./DryRun.tsx";
import { allFields, bodyOf, type Form, formOf } from "./form.ts";
import { rulesKey } from "./Rules.tsx";
import { RunLog } from "./RunLog.tsx";
import { EVENTS, TEXTS } from "./texts.ts";

export function RuleEditor() {
  const { id } = useParams({ strict: false }) as { id: string };
  const known = useQuery({
    queryKey: [...rulesKey, id],
    queryFn: async ({ signal }) => {
      const [words, stored] = await Promise.all([vocabulary(signal), id === "new" ? null : rule(id, signal)]);
      return { words, stored };
    },
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Screen
      title={known.data?.stored?.name ?? (id === "new" ? TEXTS.make : TEXTS.title)}
      note={known.data?.stored ? (known.data.stored.is_on ? TEXTS.noteOn : TEXTS.noteOff) : undefined}
    >
      <Body query={known}>
        {({ words, stored }) => <Editor key={stored?.version ?? 0} stored={stored} words={words} />}
      </Body>
    </Screen>
  );
}

function Editor({ stored, words }: { stored: Rule | null; words: Words }) {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const mayChange = may(session.data, "settings:write");
  const [form, setForm] = useState<Form>(() => formOf(stored));
  const [isRemoving, setRemoving] = useState(false);
  const set = (changes: Partial<Form>) => setForm((typed) => ({ ...typed, ...changes }));
  const body = bodyOf(form, allFields(words));
  const save = useAct({
    run: () => {
      if (!body) throw new Error(TEXTS.unreadable);
      return stored ? changeRule(stored, body) : makeRule(body);
    },
    changes: [rulesKey],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
    onDone: (made) => void navigate({ to: "/manage/rules/$id", params: { id: made.id } }),
  });
  const remove = useAct({
    run: () => removeRule(stored?.id ?? ""),
    changes: [rulesKey],
    gone: [...rulesKey, stored?.id],
    done: () => "The rule is gone",
    isShownElsewhere: true,
    onDone: () => void navigate({ to: "/manage/rules" }),
  });
  return (
    <Stack gap="md">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (body) save.mutate(undefined);
        }}
      >
        <Box className="panel panel-pad">
          <Stack gap="md">
            <div className="form-grid">
              <TextInput
                label={TEXTS.name}
                required
                maxLength={200}
                value={form.name}
                onChange={(event) => set({ name: event.currentTarget.value })}
              />
              <NativeSelect
                label={TEXTS.when}
                size="xs"
                data={words.events.map((event) => ({ value: event, label: EVENTS[event] ?? event }))}
                value={form.event}
                onChange={(event) => set({ event: event.currentTarget.value })}
              />
              <NumberInput
                label={TEXTS.after}
                description={TEXTS.afterHint}
                min={1}
                max={129_600}
                allowDecimal={false}
                value={form.after}
                onChange={(value) => set({ after: value === "" ? "" : String(value) })}
              />
              <NumberInput
                label={TEXTS.budget}
                min={1}
                max={1_000}
                allowDecimal={false}
                value={form.budget}
                onChange={(value) => set({ budget: Number(value) || 1 })}
              />
            </div>
            <ConditionList
              label={TEXTS.holds}
              none={TEXTS.holdsNone}
              conditions={form.holds}
              vocabulary={words}
              onChange={(holds) => set({ holds })}
            />
            <ConditionList
              label={TEXTS.unless}
              none={TEXTS.unlessNone}
              conditions={form.unless}
              vocabulary={words}
              onChange={(unless) => set({ unless })}
            />
            <ActionList actions={form.actions} vocabulary={words} onChange={(actions) => set({ actions })} />
            {save.isError && <Failure error={save.error} compact />}
            {mayChange && (
              <Group justify="space-between">
                <Button type="submit" loading={save.isPending} disabled={!body}>
                  {TEXTS.save}
                </Button>
                {stored && (
                  <Button variant="default" onClick={() => setRemoving(true)}>
                    {TEXTS.take}
                  </Button>
                )}
              </Group>
            )}
          </Stack>
        </Box>
      </form>
      <div className="halves">
        <DryRun rule={stored?.id ?? null} body={body} />
        {stored && <RunLog rule={stored.id} />}
      </div>
      {isRemoving && (
        <Confirm
          title={`${TEXTS.take}: ${stored?.name}`}
          what={TEXTS.takeWhat}
          verb={TEXTS.take}
          isDestructive
          needsReason={false}
          error={remove.error}
          isBusy={remove.isPending}
          onClose={() => setRemoving(false)}
          onConfirm={() => remove.mutate(undefined)}
        />
      )}
    </Stack>
  );
}
