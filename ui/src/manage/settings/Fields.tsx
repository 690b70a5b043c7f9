// Fields that the shop adds to tickets.

import { Box, Button, Group, NativeSelect, Stack, TagsInput, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body } from "../../parts/Screen.tsx";
import { FIELD_KINDS, TEXTS } from "./texts.ts";

type Field = components["schemas"]["CustomFieldView"];
const KEY = ["settings", "fields"];

export function Fields() {
  const [isAdding, setAdding] = useState(false);
  const fields = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => answer(client.GET("/api/tickets/fields", { signal })),
  });
  const archive = useAct({
    run: (field: Field) => answer(client.DELETE("/api/tickets/fields/{key}", { params: { path: { key: field.key } } })),
    changes: [KEY],
    done: (_, field) => `${field.label} is archived`,
    undo: (field) =>
      answer(
        client.PUT("/api/tickets/fields/{key}", {
          params: { path: { key: field.key } },
          body: { label: field.label, kind: field.kind, choices: field.choices },
        }),
      ),
  });
  const columns: Column<Field>[] = [
    { head: "Name", isWide: true, cell: (field) => field.label },
    { head: "Short", cell: (field) => <code>{field.key}</code> },
    { head: "Kind", cell: (field) => field.choices.join(", ") || FIELD_KINDS[field.kind] },
    {
      head: "",
      cell: (field) =>
        field.archived_at ? (
          <span className="quiet small">{TEXTS.archived}</span>
        ) : (
          <Button
            variant="default"
            aria-label={`${TEXTS.archive}: ${field.label}`}
            onClick={() => archive.mutate(field)}
          >
            {TEXTS.archive}
          </Button>
        ),
    },
  ];
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.fields}>
      <Stack gap="sm">
        <Title order={2} size="h5">
          {TEXTS.fields}
        </Title>
        <Text size="sm" className="quiet">
          {TEXTS.fieldsNote}
        </Text>
        <Body query={fields} rows={2}>
          {(known) =>
            known.length > 0 ? (
              <Rows label={TEXTS.fields} columns={columns} rows={known} rowKey={(field) => field.key} />
            ) : (
              <Text size="sm">{TEXTS.fieldsNone}</Text>
            )
          }
        </Body>
        {isAdding ? (
          <NewField onDone={() => setAdding(false)} />
        ) : (
          <Group>
            <Button variant="default" onClick={() => setAdding(true)}>
              {TEXTS.addField}
            </Button>
          </Group>
        )}
      </Stack>
    </Box>
  );
}

function NewField({ onDone }: { onDone: () => void }) {
  const [form, setForm] = useState({ key: "", label: "", kind: "text" as Field["kind"], choices: [] as string[] });
  const set = (changes: Partial<typeof form>) => setForm((typed) => ({ ...typed, ...changes }));
  const save = useAct({
    run: () => {
      const { key, ...body } = form;
      return answer(client.PUT("/api/tickets/fields/{key}", { params: { path: { key } }, body }));
    },
    changes: [KEY],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
    onDone,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate(undefined);
      }}
    >
      <Stack gap="sm">
        <div className="form-grid">
          <TextInput
            label={TEXTS.fieldLabel}
            required
            maxLength={200}
            value={form.label}
            onChange={(event) => set({ label: event.currentTarget.value })}
          />
          <TextInput
            label={TEXTS.fieldKey}
            description={TEXTS.fieldKeyHint}
            required
            pattern="[a-z][a-z0-9_]*"
            maxLength={60}
            value={form.key}
            onChange={(event) => set({ key: event.currentTarget.value })}
          />
          <NativeSelect
            label={TEXTS.fieldKind}
            size="xs"
            data={Object.entries(FIELD_KINDS).map(([value, label]) => ({ value, label }))}
            value={form.kind}
            onChange={(event) => set({ kind: event.currentTarget.value as Field["kind"] })}
          />
          {form.kind === "choice" && (
            <TagsInput label={TEXTS.choices} size="xs" value={form.choices} onChange={(choices) => set({ choices })} />
          )}
        </div>
        {save.isError && <Failure error={save.error} compact />}
        <Group gap="xs">
          <Button type="submit" loading={save.isPending}>
            {TEXTS.addField}
          </Button>
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
