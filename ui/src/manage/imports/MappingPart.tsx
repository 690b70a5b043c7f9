// What each column of the file means, saved under a name, and the next file is read by it as well.

import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { MeaningTable } from "../sources/MeaningTable.tsx";
import { type Mapping, saveMapping } from "./calls.ts";
import { doubled, isMappingName, labelOf, missing, STATUSES } from "./meanings.ts";
import type { Stated } from "./reading.ts";
import { TEXTS } from "./texts.ts";
import type { ColumnTold } from "./told.ts";

type Props = {
  columns: ColumnTold[];
  /** The mapping by which the file is read now. */
  chosen: Mapping | undefined;
  /** How the mapping is called at first, and what the others are called. */
  called: string;
  taken: string[];
  /** Words of the column of statuses that are not known. */
  words: string[];
  stated: Stated;
  /** Nothing can be read before the columns are known. */
  isNeeded: boolean;
  onSaved: (name: string) => void;
};

export function MappingPart({ columns, chosen, called, taken, words, stated, isNeeded, onSaved }: Props) {
  const [isOpen, setOpen] = useState(isNeeded);
  useEffect(() => {
    if (isNeeded) setOpen(true);
  }, [isNeeded]);
  const [meanings, setMeanings] = useState<Record<string, string>>(() => meaningsOf(columns));
  const [statuses, setStatuses] = useState<Record<string, string>>(chosen?.statuses ?? {});
  const [name, setName] = useState(called);
  const said = Object.values(meanings);
  const lacks = missing(said);
  const twice = doubled(said);
  const asked = [...new Set([...words, ...Object.keys(statuses)])];
  const save = useAct({
    run: () => saveMapping(name, { ...kept(chosen, stated), columns: meanings, statuses: without(statuses) }),
    changes: [["mappings"]],
    done: () => TEXTS.mappingSaved,
    isShownElsewhere: true,
    onDone: () => onSaved(name),
  });
  const mean = (column: string, meaning: string | null) =>
    setMeanings((before) => {
      const { [column]: _, ...others } = before;
      return meaning === null ? others : { ...others, [column]: meaning };
    });
  const rows = columns.map((column) => ({
    name: column.name,
    kind: null,
    first: null,
    meaning: meanings[column.name] ?? null,
    isGone: false,
  }));
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{TEXTS.columns}</summary>
      {isOpen && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate(undefined);
          }}
        >
          <Stack gap="sm" mt="xs">
            <Text size="sm" className="quiet">
              {TEXTS.columnsNote}
            </Text>
            <MeaningTable label={TEXTS.columns} rows={rows} onMean={mean} />
            {asked.length > 0 && (
              <div className="form-grid">
                {asked.map((word) => (
                  <NativeSelect
                    key={word}
                    size="xs"
                    label={`${TEXTS.status} “${word}”`}
                    data={[{ value: "", label: TEXTS.statusUnknown }, ...STATUSES]}
                    value={statuses[word] ?? ""}
                    onChange={(event) => {
                      const meaning = event.currentTarget.value;
                      setStatuses((before) => ({ ...before, [word]: meaning }));
                    }}
                  />
                ))}
              </div>
            )}
            <Text size="sm" role="status">
              {lacks.length > 0 ? `${TEXTS.lacks} ${lacks.join(", ")}.` : ""}
              {twice.length > 0 ? ` ${TEXTS.twice} ${twice.map(labelOf).join(", ")}.` : ""}
            </Text>
            <Group gap="sm" align="end">
              <TextInput
                label={TEXTS.mappingName}
                description={taken.includes(name) ? TEXTS.mappingReplaces : TEXTS.mappingNameHint}
                error={name !== "" && !isMappingName(name) ? TEXTS.mappingNameRule : null}
                maxLength={64}
                required
                autoComplete="off"
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
              />
              <Button
                type="submit"
                variant={isNeeded ? "filled" : "default"}
                loading={save.isPending}
                disabled={lacks.length > 0 || twice.length > 0 || !isMappingName(name)}
              >
                {TEXTS.mappingSave}
              </Button>
            </Group>
            {save.isError && <Failure error={save.error} compact />}
          </Stack>
        </form>
      )}
    </details>
  );
}

function meaningsOf(columns: ColumnTold[]): Record<string, string> {
  return Object.fromEntries(columns.flatMap(({ name, meaning }) => (meaning ? [[name, meaning]] : [])));
}

/** What is said beside the columns: as it is stated now, else as the mapping has it. A mapping knows no export. */
function kept(chosen: Mapping | undefined, stated: Stated): Omit<Mapping, "columns" | "statuses"> {
  const said: Mapping = chosen ?? { columns: {} };
  const { columns: _columns, statuses: _statuses, ...before } = said;
  const { profile: _profile, header, currency, ...now } = stated;
  const texts = Object.fromEntries(Object.entries(now).filter(([, value]) => value?.trim()));
  return {
    ...before,
    ...texts,
    ...(currency?.trim().length === 3 ? { currency: currency.trim().toUpperCase() } : {}),
    ...(header ? { header: Number(header) } : {}),
  };
}

function without(statuses: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(statuses).filter(([, meaning]) => meaning !== ""));
}
