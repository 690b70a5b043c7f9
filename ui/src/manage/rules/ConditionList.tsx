// Conditions as lines, all or any of which must hold.

import { Button, Group, NativeSelect, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { words } from "../../parts/format.ts";
import type { Words } from "./calls.ts";
import type { Conditions, Line } from "./form.ts";
import { OPS, TEXTS } from "./texts.ts";

type Props = {
  label: string;
  none: string;
  conditions: Conditions;
  vocabulary: Words;
  onChange: (next: Conditions) => void;
};

export function ConditionList({ label, none, conditions, vocabulary, onChange }: Props) {
  if (conditions.kind === "text") {
    return (
      <Textarea
        label={label}
        description={TEXTS.asText}
        size="xs"
        autosize
        minRows={4}
        maxRows={16}
        value={conditions.text}
        error={isJson(conditions.text) ? null : TEXTS.unreadable}
        onChange={(event) => onChange({ kind: "text", text: event.currentTarget.value })}
      />
    );
  }
  const { lines, match } = conditions;
  const setLine = (key: number, changes: Partial<Line>) =>
    onChange({ ...conditions, lines: lines.map((line) => (line.key === key ? { ...line, ...changes } : line)) });
  const add = () => {
    const field = vocabulary.fields[0];
    const op = (vocabulary.comparisons[field?.kind ?? "word"] ?? ["is"])[0] ?? "is";
    onChange({ ...conditions, lines: [...lines, { key: Date.now(), field: field?.name ?? "tags", op, value: "" }] });
  };
  return (
    <Stack gap="xs" component="section" aria-label={label}>
      <Group gap="xs">
        <Text size="sm" fw={600}>
          {label}
        </Text>
        {lines.length > 1 && (
          <NativeSelect
            aria-label={`${label}: how many`}
            size="xs"
            data={[
              { value: "all", label: TEXTS.all },
              { value: "any", label: TEXTS.any },
            ]}
            value={match}
            onChange={(event) => onChange({ ...conditions, match: event.currentTarget.value as "all" | "any" })}
          />
        )}
      </Group>
      {lines.length === 0 && (
        <Text size="sm" className="quiet">
          {none}
        </Text>
      )}
      {lines.map((line) => (
        <OneLine
          key={line.key}
          line={line}
          vocabulary={vocabulary}
          onChange={(changes) => setLine(line.key, changes)}
          onRemove={() => onChange({ ...conditions, lines: lines.filter((other) => other.key !== line.key) })}
        />
      ))}
      <Group>
        <Button variant="default" onClick={add} aria-label={`${TEXTS.addCondition}: ${label}`}>
          {TEXTS.addCondition}
        </Button>
      </Group>
    </Stack>
  );
}

type LineProps = { line: Line; vocabulary: Words; onChange: (changes: Partial<Line>) => void; onRemove: () => void };

function OneLine({ line, vocabulary, onChange, onRemove }: LineProps) {
  const field = vocabulary.fields.find((each) => each.name === line.field);
  const ops = vocabulary.comparisons[field?.kind ?? "word"] ?? Object.keys(OPS);
  const needsValue = line.op !== "is_set" && line.op !== "is_not_set";
  const choices = field?.kind === "flag" ? ["yes", "no"] : (field?.choices ?? []);
  const isOne = !["one_of", "none_of", "all_of"].includes(line.op);
  return (
    <Group gap="xs" align="end">
      <Select
        label={TEXTS.field}
        description={field?.about}
        searchable
        allowDeselect={false}
        w={190}
        data={vocabulary.fields.map((each) => ({ value: each.name, label: words(each.name) }))}
        value={line.field}
        onChange={(name) => {
          const kind = vocabulary.fields.find((each) => each.name === name)?.kind ?? "word";
          onChange({
            field: name ?? line.field,
            op: vocabulary.comparisons[kind]?.[0] ?? "is",
            value: kind === "flag" ? "yes" : "",
          });
        }}
      />
      <NativeSelect
        label={TEXTS.op}
        size="xs"
        data={ops.map((op) => ({ value: op, label: OPS[op] ?? op }))}
        value={line.op}
        onChange={(event) => onChange({ op: event.currentTarget.value })}
      />
      {needsValue &&
        (choices.length > 0 && isOne ? (
          <NativeSelect
            label={TEXTS.value}
            size="xs"
            data={["", ...choices]}
            value={line.value}
            onChange={(event) => onChange({ value: event.currentTarget.value })}
          />
        ) : (
          <TextInput
            label={TEXTS.value}
            placeholder={isOne ? "" : TEXTS.valueHint}
            required
            value={line.value}
            onChange={(event) => onChange({ value: event.currentTarget.value })}
          />
        ))}
      <Button variant="default" onClick={onRemove} aria-label={`${TEXTS.remove}: ${words(line.field)}`}>
        {TEXTS.remove}
      </Button>
    </Group>
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
