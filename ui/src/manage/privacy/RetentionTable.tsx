// How long each kind of thing is kept.

import { Button, Group, NumberInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { words } from "../../parts/format.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body } from "../../parts/Screen.tsx";
import { keep, privacyKey, type Retention, retention } from "./calls.ts";
import { TEXTS } from "./texts.ts";

const KEY = [...privacyKey, "retention"];

export function RetentionTable({ mayChange }: { mayChange: boolean }) {
  const rules = useQuery({ queryKey: KEY, queryFn: ({ signal }) => retention(signal) });
  const columns: Column<Retention>[] = [
    { head: "What", cell: (rule) => <strong>{words(rule.kind)}</strong> },
    { head: "Meaning", isWide: true, cell: (rule) => rule.meaning },
    {
      head: TEXTS.days,
      cell: (rule) => (mayChange ? <Days key={rule.keep_days} rule={rule} /> : (rule.keep_days ?? TEXTS.forever)),
    },
    { head: "Changed", cell: (rule) => (rule.is_default ? "never" : <Age at={rule.changed_at} />) },
  ];
  return (
    <Body query={rules} rows={4}>
      {(known) => <Rows label={TEXTS.retention} columns={columns} rows={known} rowKey={(rule) => rule.kind} />}
    </Body>
  );
}

function Days({ rule }: { rule: Retention }) {
  const [days, setDays] = useState<number | "">(rule.keep_days ?? "");
  const save = useAct({
    run: () => keep(rule.kind, days === "" ? null : days),
    changes: [KEY],
    done: () => TEXTS.saved,
    undo: () => keep(rule.kind, rule.keep_days ?? null),
  });
  return (
    <Group gap={4} wrap="nowrap">
      <NumberInput
        aria-label={`${TEXTS.days}: ${words(rule.kind)}`}
        placeholder={TEXTS.forever}
        w={110}
        min={1}
        allowDecimal={false}
        value={days}
        onChange={(value) => setDays(value === "" ? "" : Number(value))}
      />
      <Button
        variant="default"
        aria-label={`${TEXTS.save}: ${words(rule.kind)}`}
        disabled={days === (rule.keep_days ?? "")}
        loading={save.isPending}
        onClick={() => save.mutate(undefined)}
      >
        {TEXTS.save}
      </Button>
    </Group>
  );
}
