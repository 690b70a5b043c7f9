// What a rule does, one act after the other.

import { Button, Group, Menu, NumberInput, Select, Stack, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { allAgents } from "../../parts/agents.ts";
import { words } from "../../parts/format.ts";
import { macroNames } from "../macros/calls.ts";
import type { Action } from "./calls.ts";
import type { TypedAction } from "./form.ts";
import { ACTIONS, type Need, TEXTS } from "./texts.ts";

type Props = { actions: TypedAction[]; onChange: (actions: TypedAction[]) => void };

export function ActionList({ actions, onChange }: Props) {
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
              <Menu.Item key={name} onClick={() => onChange([...actions, { key: Date.now(), action: { do: name } }])}>
                {label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </Group>
    </Stack>
  );
}

type ValueProps = { kind: Need; label: string; value: unknown; onChange: (value: unknown) => void };

function Value({ kind, label, value, onChange }: ValueProps) {
  const agents = useQuery({ ...allAgents, enabled: kind === "agent" || kind === "maybe-agent" });
  const macros = useQuery({ ...macroNames, enabled: kind === "macro" });
  const text = typeof value === "string" ? value : "";
  const choice = (data: { value: string; label: string }[], isOptional = false) => (
    <Select
      label={label}
      required={!isOptional}
      clearable={isOptional}
      searchable
      data={data}
      value={text || null}
      onChange={(chosen) => onChange(chosen ?? undefined)}
    />
  );
  const named = (names: string[]) => names.map((name) => ({ value: name, label: words(name) }));
  if (kind === "words")
    return (
      <TagsInput label={label} size="xs" miw={200} value={Array.isArray(value) ? value : []} onChange={onChange} />
    );
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
  if (kind === "priority") return choice(named(["urgent", "high", "normal", "low"]));
  if (kind === "status") return choice(named(["open", "pending", "resolved", "closed"]));
  if (kind === "macro") return choice(macros.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []);
  if (kind === "agent" || kind === "maybe-agent") {
    const people = agents.data?.items.filter((agent) => !agent.disabled_at) ?? [];
    return choice(
      people.map((agent) => ({ value: agent.id, label: agent.name })),
      kind === "maybe-agent",
    );
  }
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
