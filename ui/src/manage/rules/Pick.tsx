// One value, or several, out of what there is. What was chosen once and is gone stays visible and is flagged, so that
// nobody saves a rule that means nothing without seeing it.

import { MultiSelect, Select, TagsInput } from "@mantine/core";
import { asListed, type Choices, offered, unknown } from "./choices.ts";
import { TEXTS } from "./texts.ts";

type OneProps = {
  label: string;
  choices: Choices;
  value: string;
  isOptional?: boolean;
  onChange: (value: string) => void;
};

export function PickOne({ label, choices, value, isOptional = false, onChange }: OneProps) {
  const isGone = unknown(choices, [value]).length > 0;
  return (
    <Select
      label={label}
      required={!isOptional}
      clearable={isOptional}
      allowDeselect={isOptional}
      searchable
      nothingFoundMessage={TEXTS.noSuchValue}
      data={offered(choices, [value])}
      value={value === "" ? null : asListed(choices, value)}
      error={isGone ? TEXTS.goneOne : null}
      onChange={(chosen) => onChange(chosen ?? "")}
    />
  );
}

type ManyProps = { label: string; choices: Choices | null; values: string[]; onChange: (values: string[]) => void };

export function PickMany({ label, choices, values, onChange }: ManyProps) {
  if (!choices || choices.isOpen) {
    const unused = choices ? unknown(choices, values) : [];
    return (
      <TagsInput
        label={label}
        size="xs"
        miw={220}
        required={values.length === 0}
        placeholder={values.length === 0 ? TEXTS.severalHint : ""}
        description={unused.length > 0 ? `${TEXTS.unused}: ${unused.join(", ")}` : null}
        data={choices?.list.map((choice) => choice.value) ?? []}
        value={values}
        onChange={onChange}
      />
    );
  }
  const gone = unknown(choices, values);
  return (
    <MultiSelect
      label={label}
      size="xs"
      miw={220}
      required={values.length === 0}
      searchable
      nothingFoundMessage={TEXTS.noSuchValue}
      data={offered(choices, values)}
      value={values.map((value) => asListed(choices, value))}
      error={gone.length > 0 ? `${TEXTS.gone} ${gone.join(", ")}` : null}
      onChange={onChange}
    />
  );
}
