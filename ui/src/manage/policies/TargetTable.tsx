// What is promised: a line for each priority, a pair of fields for each clock.

import { NativeSelect, Table, TextInput } from "@mantine/core";
import { words } from "../../parts/format.ts";
import { type ClockKind, KINDS } from "../sla/shapes.ts";
import type { TypedGoal, TypedTargets } from "./form.ts";
import { readMinutes } from "./minutes.ts";
import { PRIORITIES, type Priority } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

type Props = { targets: TypedTargets; onChange: (targets: TypedTargets) => void };

export function TargetTable({ targets, onChange }: Props) {
  const set = (priority: Priority, kind: ClockKind, changes: Partial<TypedGoal>) =>
    onChange({
      ...targets,
      [priority]: { ...targets[priority], [kind]: { ...targets[priority][kind], ...changes } },
    });
  return (
    <section className="table-frame" aria-label={TEXTS.targets} tabIndex={0 /* it scrolls */}>
      <Table highlightOnHover={false}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Priority</Table.Th>
            {Object.entries(KINDS).map(([kind, name]) => (
              <Table.Th key={kind} scope="col">
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {PRIORITIES.map((priority) => (
            <Table.Tr key={priority}>
              <Table.Th scope="row">{words(priority)}</Table.Th>
              {(Object.keys(KINDS) as ClockKind[]).map((kind) => {
                const goal = targets[priority][kind];
                const name = `${words(priority)}, ${KINDS[kind].toLowerCase()}`;
                return (
                  <Table.Td key={kind}>
                    <TextInput
                      aria-label={name}
                      w={130}
                      placeholder="–"
                      value={goal.text}
                      error={readMinutes(goal.text) === undefined ? TEXTS.unread : null}
                      onChange={(event) => set(priority, kind, { text: event.currentTarget.value })}
                    />
                    <NativeSelect
                      aria-label={`${name}: ${TEXTS.time}`}
                      size="xs"
                      mt={4}
                      w={130}
                      data={[
                        { value: "calendar", label: "all time" },
                        { value: "business", label: "opening hours" },
                      ]}
                      value={goal.isBusiness ? "business" : "calendar"}
                      onChange={(event) =>
                        set(priority, kind, { isBusiness: event.currentTarget.value === "business" })
                      }
                    />
                  </Table.Td>
                );
              })}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}
