// What a rule does, one act after the other.

import { Button, Group, Menu, NumberInput, Stack, Text, Textarea, TextInput } from "@mantine/core";
import type { Action, Words } from "./calls.ts";
import type { TypedAction } from "./form.ts";
import { useActChoices } from "./lists.ts";
import { PickMany, PickOne } from "./Pick.tsx";
import { ACTIONS, type Need, TEXTS } from "./texts.ts";

type Props = { actions: TypedAction[]; vocabulary: Words; onChange: (actions: TypedAction[]) => void };

export function ActionList({ actions, vocabulary, onChange }: Props) {
  const set = (key: number, action: Action) =>
    onChange(actions.map((each) => (each.key === key ? { key, action } : each)));
  return (
    <Stack gap="sm" component="section" aria-label={TEXTS.does}>
      <Text size="sm" fw={600}>
        {TEXTS.does}
      </Text>
      {actions.map(({ key, action }, place) => (
        <Group key={key} gap="xs" align="end">
          <Text size="sm" w={170} pb={6}>
            {place + 1}. {ACTIONS[action.do]?.name ?? action.do}
          </Text>
          {ACTIONS[action.do]?.needs.map((need) => (
            <Value
              key={need.name}
              kind={need.kind}
              label={need.label}
              value={action[need.name]}
              vocabulary={vocabulary}
              onChange={(value) => set(key, { ...action, [need.name]: value })}
            />
          ))}
          <Button
            variant="default"
            aria-label={`${TEXTS.remove}: ${ACTIONS[action.do]?.name ?? action.do}`}
            onClick={() => onChange(actions.filter((each) => each.key !== key))}
          >
            {TEXTS.remove}
          </Button>
        </Group>
      ))}
      <Group>
        <Menu position="bottom-start" transitionProps={{ duration: 0 }}>
          <Menu.Target>
            <Button variant="default">{TEXTS.addAction}</Button>
          </Menu.Target>
          <Menu.Dropdown>
            {Object.entries(ACTIONS).map(([name, { name: label }]) => (
              <Menu.Item
                key={name}
                onClick={() => onChange([...actions, { key: Date.now(), action: { do: name, ...startOf(name) } }])}
              >
                {label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </Group>
    </Stack>
  );
}

/** What is shown in a new act before anything is typed. */
const startOf = (name: string) => (name === "snooze" ? { minutes: 60 } : {});

type ValueProps = {
  kind: Need;
  label: string;
  value: unknown;
  vocabulary: Words;
  onChange: (value: unknown) => void;
};

function Value({ kind, label, value, vocabulary, onChange }: ValueProps) {
  const choices = useActChoices(kind, vocabulary);
  const text = typeof value === "string" ? value : "";
  if (kind === "tags" || kind === "skills")
    return <PickMany label={label} choices={choices} values={Array.isArray(value) ? value : []} onChange={onChange} />;
  if (kind === "number")
    return (
      <NumberInput
        label={label}
        min={1}
        allowDecimal={false}
        value={Number(value) || 60}
        onChange={(minutes) => onChange(Number(minutes))}
      />
    );
  if (kind === "long")
    return (
      <Textarea
        label={label}
        size="xs"
        autosize
        minRows={2}
        maxRows={8}
        miw={280}
        required
        value={text}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  if (kind !== "text")
    return (
      <PickOne
        label={label}
        // While it is not known yet what there is, nothing is flagged.
        choices={choices ?? { list: text === "" ? [] : [{ value: text, label: "…" }], isOpen: false }}
        value={text}
        isOptional={kind === "maybe-agent"}
        onChange={(chosen) => onChange(chosen === "" ? undefined : chosen)}
      />
    );
  return (
    <TextInput
      label={label}
      required
      miw={240}
      value={text}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
