// How the file is read: what was found of it, and what is said instead. Everything may be left empty.

import { NativeSelect, NumberInput, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import type { Preview } from "./calls.ts";
import type { Option } from "./meanings.ts";
import {
  DATES,
  DECIMALS,
  ENCODINGS,
  type Field,
  found,
  LABELS,
  PROFILES,
  SEPARATORS,
  type Stated,
  sheetsOf,
} from "./reading.ts";
import { TEXTS } from "./texts.ts";

const LAST_HEADER_LINE = 1_000;
// Not every browser has UTC among them.
const ZONES: Option[] = [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])].map((value) => ({
  value,
  label: value,
}));

type Props = {
  stated: Stated;
  onState: (field: Field, value: string) => void;
  preview: Preview | undefined;
  /** What the file leaves open. */
  asked: Set<Field>;
};

export function ReadingFields({ stated, onState, preview, asked }: Props) {
  const [isOpen, setOpen] = useState(false);
  // The currency has its place above.
  const isAsked = [...asked].some((field) => field !== "currency");
  useEffect(() => {
    if (isAsked) setOpen(true);
  }, [isAsked]);
  const sheets = sheetsOf(preview);
  const about = (field: Field, otherwise: string) => {
    if (stated[field]) return TEXTS.stated;
    if (asked.has(field)) return TEXTS.asked;
    const seen = found(field, preview);
    return seen ? `${TEXTS.found} ${seen}` : otherwise;
  };
  const select = (field: Field, options: Option[], otherwise: string = TEXTS.byFile) => (
    <NativeSelect
      size="xs"
      label={LABELS[field]}
      description={about(field, otherwise)}
      data={[{ value: "", label: otherwise }, ...options]}
      value={stated[field] ?? ""}
      onChange={(event) => onState(field, event.currentTarget.value)}
    />
  );
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{TEXTS.reading}</summary>
      <div className="form-grid" style={{ marginTop: 8 }}>
        {select("dates", DATES)}
        {select("decimal", DECIMALS)}
        {select("separator", SEPARATORS)}
        {select("encoding", ENCODINGS)}
        <NumberInput
          label={LABELS.header}
          description={about("header", TEXTS.byFile)}
          min={1}
          max={LAST_HEADER_LINE}
          allowDecimal={false}
          value={stated.header ?? ""}
          onChange={(line) => onState("header", String(line))}
        />
        {sheets.length > 1 ? (
          select(
            "sheet",
            sheets.map((name) => ({ value: name, label: name })),
          )
        ) : (
          <TextInput
            label={LABELS.sheet}
            description={about("sheet", TEXTS.ofWorkbook)}
            maxLength={100}
            value={stated.sheet ?? ""}
            onChange={(event) => onState("sheet", event.currentTarget.value)}
          />
        )}
        {select("zone", ZONES, TEXTS.ofShop)}
        {select("profile", PROFILES)}
      </div>
    </details>
  );
}
