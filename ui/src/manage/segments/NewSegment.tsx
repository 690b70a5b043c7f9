// A new segment. What is typed stays in this tab until it is saved, also when the page is loaded again.

import { Box, Button, Group, Stack, Textarea, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { RuleGroupType } from "react-querybuilder";
import { answer, client } from "../../api/client.ts";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { Screen } from "../../parts/Screen.tsx";
import { Builder } from "./Builder.tsx";
import type { Rule } from "./rule.ts";
import { TEXTS } from "./texts.ts";

const KEPT = "deskwork.new-segment";
const START: RuleGroupType = { combinator: "and", rules: [{ field: "order_count", operator: ">=", value: "2" }] };
const START_RULE: Rule = { field: "order_count", operator: ">=", value: 2 };

type Draft = { name: string; description: string; query: RuleGroupType; rule: Rule | null };

export function NewSegment() {
  const navigate = useNavigate();
  const [draft, setDraft] = useState<Draft>(kept);
  useEffect(() => sessionStorage.setItem(KEPT, JSON.stringify(draft)), [draft]);
  const save = useAct({
    run: () =>
      answer(
        client.POST("/api/segments", {
          body: { name: draft.name, description: draft.description, rule: draft.rule as never },
        }),
      ),
    changes: [["segments"]],
    done: () => `${draft.name} is saved; its members are being found`,
    isShownElsewhere: true,
    onDone: (segment) => {
      sessionStorage.removeItem(KEPT);
      void navigate({ to: "/manage/segments/$id", params: { id: segment.id } });
    },
  });
  const set = (changes: Partial<Draft>) => setDraft((known) => ({ ...known, ...changes }));
  return (
    <Screen title={TEXTS.make}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (draft.rule) save.mutate(undefined);
        }}
      >
        <Stack gap="md" maw={1000}>
          <Box className="panel panel-pad">
            <Builder query={draft.query} onChange={(query) => set({ query })} onRule={(rule) => set({ rule })} />
          </Box>
          <TextInput
            label={TEXTS.name}
            required
            maxLength={100}
            value={draft.name}
            onChange={(event) => set({ name: event.currentTarget.value })}
            maw={480}
          />
          <Textarea
            label={TEXTS.description}
            size="xs"
            autosize
            minRows={2}
            maxLength={1000}
            value={draft.description}
            onChange={(event) => set({ description: event.currentTarget.value })}
            maw={640}
          />
          {save.isError && <Failure error={save.error} compact />}
          <Group gap="xs">
            <Button type="submit" loading={save.isPending} disabled={!draft.rule}>
              {TEXTS.save}
            </Button>
            <Button variant="default" onClick={() => void navigate({ to: "/manage/segments" })}>
              Back to the list
            </Button>
          </Group>
        </Stack>
      </form>
    </Screen>
  );
}

function kept(): Draft {
  try {
    const text = sessionStorage.getItem(KEPT);
    if (text) return JSON.parse(text) as Draft;
  } catch {
    // What cannot be read is as good as nothing kept.
  }
  return { name: "", description: "", query: START, rule: START_RULE };
}
