// Each column with what is in it and what it means.

import { NativeSelect } from "@mantine/core";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { State } from "../../parts/State.tsx";
import type { Row } from "./form.ts";
import { MEANINGS, TEXTS } from "./texts.ts";

const CHOICES = [{ value: "", label: "Is not read" }, ...MEANINGS];

type Props = { rows: Row[]; onMean: (column: string, meaning: string | null) => void; label?: string };

export function MeaningTable({ rows, onMean, label = TEXTS.meaning }: Props) {
  const columns: Column<Row>[] = [
    {
      head: TEXTS.column,
      cell: (row) => (
        <div style={{ overflowWrap: "anywhere", minWidth: 90 }}>
          <code>{row.name}</code>
          {row.isGone ? (
            <div className="small">
              <State name="gone">{TEXTS.columnGone}</State>
            </div>
          ) : (
            <div className="quiet small">{row.kind ?? row.first}</div>
          )}
        </div>
      ),
    },
    {
      head: "Means",
      cell: (row) => (
        <NativeSelect
          aria-label={`${row.name} means`}
          size="xs"
          miw={120}
          data={CHOICES}
          value={row.meaning ?? ""}
          onChange={(event) => onMean(row.name, event.currentTarget.value || null)}
        />
      ),
    },
  ];
  return <Rows label={label} columns={columns} rows={rows} rowKey={(row) => row.name} />;
}
