// Conditions as lines, all or any of which must hold.

import { Button, Group, NativeSelect, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { words } from "../../parts/format.ts";
import type { Field, Words } from "./calls.ts";
import { offered } from "./choices.ts";
import { allFields, type Conditions, comparisons, fitting, type Line } from "./form.ts";
import { useFieldChoices } from "./lists.ts";
import { PickMany, PickOne } from "./Pick.tsx";
import { FIELDS, OPS, TEXTS } from "./texts.ts";

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
    const op = comparisons(vocabulary, field)[0] ?? "is";
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
  const fields = allFields(vocabulary);
  const field = fields.find((each) => each.name === line.field);
  const ops = comparisons(vocabulary, field);
  const needsValue = line.op !== "is_set" && line.op !== "is_not_set";
  return (
    <Group gap="xs" align="end">
      <Select
        label={TEXTS.field}
        description={field?.about}
        searchable
        allowDeselect={false}
        w={190}
        data={offered({ list: fields.map(fieldChoice), isOpen: false }, [line.field])}
        value={line.field}
        error={field ? null : TEXTS.goneOne}
        onChange={(name) => {
          const chosen = fields.find((each) => each.name === name);
          onChange({
            field: name ?? line.field,
            op: comparisons(vocabulary, chosen)[0] ?? "is",
            value: chosen?.kind === "flag" ? "yes" : "",
          });
        }}
      />
      <NativeSelect
        label={TEXTS.op}
        size="xs"
        data={(ops.includes(line.op) ? ops : [...ops, line.op]).map((op) => ({ value: op, label: OPS[op] ?? op }))}
        value={line.op}
        onChange={(event) => {
          const op = event.currentTarget.value;
          onChange({ op, value: fitting(op, line.value) });
        }}
      />
      {needsValue && (
        <Value field={field} line={line} vocabulary={vocabulary} onChange={(value) => onChange({ value })} />
      )}
      <Button variant="default" onClick={onRemove} aria-label={`${TEXTS.remove}: ${fieldName(line.field, field)}`}>
        {TEXTS.remove}
      </Button>
    </Group>
  );
}

type ValueProps = {
  field: Field | undefined;
  line: Line;
  vocabulary: Words;
  onChange: (value: string | string[]) => void;
};

function Value({ field, line, vocabulary, onChange }: ValueProps) {
  const choices = useFieldChoices(field, vocabulary);
  const value = fitting(line.op, line.value);
  if (Array.isArray(value))
    return <PickMany label={TEXTS.value} choices={choices} values={value} onChange={onChange} />;
  if (choices && !choices.isOpen)
    return <PickOne label={TEXTS.value} choices={choices} value={value} onChange={onChange} />;
  return (
    <TextInput
      label={TEXTS.value}
      required
      inputMode={field?.kind === "number" ? "decimal" : "text"}
      value={typeof line.value === "string" ? line.value : value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function fieldName(name: string, field: Field | undefined): string {
  if (name.startsWith("custom.")) return field?.about ?? name;
  return FIELDS[name] ?? words(name);
}

const fieldChoice = (field: Field) => ({ value: field.name, label: fieldName(field.name, field) });

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
