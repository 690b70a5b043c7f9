// What is typed about a place, by the table of kinds.

import { NumberInput, PasswordInput, TextInput } from "@mantine/core";
import type { Field, Kind } from "./kinds.ts";
import { TEXTS } from "./texts.ts";

type Props = {
  kind: Kind;
  typed: Record<string, string>;
  onType: (name: string, value: string) => void;
  password: string;
  onPassword: (value: string) => void;
  isSaved: boolean;
};

export function PlaceFields({ kind, typed, onType, password, onPassword, isSaved }: Props) {
  return (
    <div className="form-grid" style={{ alignItems: "start" }}>
      {kind.fields.map((field) => (
        <Input
          key={field.name}
          field={field}
          value={typed[field.name] ?? ""}
          onChange={(to) => onType(field.name, to)}
        />
      ))}
      {kind.secret && (
        <PasswordInput
          label={kind.secret}
          description={isSaved ? TEXTS.kept : undefined}
          size="xs"
          autoComplete="new-password"
          maxLength={1_000}
          value={password}
          onChange={(event) => onPassword(event.currentTarget.value)}
          visibilityToggleButtonProps={{ "aria-label": TEXTS.show }}
        />
      )}
    </div>
  );
}

function Input({ field, value, onChange }: { field: Field; value: string; onChange: (value: string) => void }) {
  const shared = {
    label: field.label,
    description: field.hint,
    placeholder: field.placeholder,
    required: !field.isOptional,
  };
  if (field.is === "port") {
    return (
      <NumberInput
        {...shared}
        min={1}
        max={65_535}
        allowDecimal={false}
        hideControls
        value={value === "" ? "" : Number(value)}
        onChange={(number) => onChange(String(number))}
      />
    );
  }
  return (
    <TextInput
      {...shared}
      type={field.is === "url" ? "url" : "text"}
      autoComplete="off"
      spellCheck={false}
      style={field.is === "url" ? { gridColumn: "1 / -1" } : undefined}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
