// What is typed about a place, by the table of kinds.

import { NumberInput, PasswordInput, Textarea, TextInput } from "@mantine/core";
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
      {kind.secret && <Secret secret={kind.secret} value={password} onChange={onPassword} isSaved={isSaved} />}
    </div>
  );
}

type SecretProps = {
  secret: NonNullable<Kind["secret"]>;
  value: string;
  onChange: (value: string) => void;
  isSaved: boolean;
};

function Secret({ secret, value, onChange, isSaved }: SecretProps) {
  const shared = {
    label: secret.label,
    description: [secret.hint, isSaved ? TEXTS.kept : undefined].filter(Boolean).join(". ") || undefined,
    size: "xs",
    autoComplete: "new-password",
    maxLength: 16_000,
    value,
  };
  if (secret.hasLines) {
    return (
      <Textarea
        {...shared}
        autosize
        minRows={1}
        maxRows={6}
        spellCheck={false}
        style={{ gridColumn: "1 / -1" }}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  return (
    <PasswordInput
      {...shared}
      onChange={(event) => onChange(event.currentTarget.value)}
      visibilityToggleButtonProps={{ "aria-label": TEXTS.show }}
    />
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
      style={field.isLong ? { gridColumn: "1 / -1" } : undefined}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
