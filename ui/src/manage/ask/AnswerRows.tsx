// The rows of an answer as a table; what a cell names can be opened.

import { Title } from "@mantine/core";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { State } from "../../parts/State.tsx";
import { BAND_WORDS } from "../bands.ts";
import { type Context, fieldsOf, head, isNumber, isWide, placeOf, said } from "./cells.ts";
import { useKinds } from "./kinds.ts";
import { PlaceLink } from "./PlaceLink.tsx";
import type { Row } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

type Line = { at: number; row: Row };

export function AnswerRows({ rows, context, label }: { rows: Row[]; context: Context; label: string }) {
  const kinds = useKinds(rows);
  const columns: Column<Line>[] = fieldsOf(rows).map((field) => ({
    head: head(field),
    isNumber: isNumber(field, rows),
    isWide: isWide(field),
    cell: ({ row }) => <Cell field={field} row={row} context={context} kinds={kinds} />,
  }));
  return (
    <div>
      <Title order={3} size="h6" mb={6}>
        {TEXTS.rows}
      </Title>
      <Rows
        label={label}
        columns={columns}
        rows={rows.map((row, at) => ({ at, row }))}
        rowKey={(line) => String(line.at)}
      />
    </div>
  );
}

type CellProps = { field: string; row: Row; context: Context; kinds: Map<string, string> };

function Cell({ field, row, context, kinds }: CellProps) {
  const text = said(field, row, context);
  const value = row[field];
  if (value === null || value === undefined) return <span className="quiet">{text}</span>;
  const place = placeOf(field, row, context, kinds);
  if (field === "churn_band") {
    return (
      <PlaceLink place={place}>
        <State name={text}>{BAND_WORDS[text] ?? text}</State>
      </PlaceLink>
    );
  }
  const shown = isWide(field) ? text : <span className="nowrap">{text}</span>;
  return <PlaceLink place={place}>{shown}</PlaceLink>;
}
