// The last reading, or the one under way, kind by kind.

import { Stack, Text, Title } from "@mantine/core";
import { Age } from "../../parts/Age.tsx";
import { count, percent } from "../../parts/format.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Empty } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { isUnderWay, type Part, type Stretch, stretches } from "./reading.ts";
import { PART_STATES, RESOURCES, TEXTS } from "./texts.ts";

const COLUMNS: Column<Stretch>[] = [
  { head: "What", cell: (line) => RESOURCES[line.resource] ?? line.resource },
  { head: "State", cell: (line) => <Progress line={line} /> },
  { head: "Read", isNumber: true, cell: (line) => count(line.read) },
  // Of products and customers it is not counted what was new.
  { head: "New or changed", isNumber: true, cell: (line) => ofOrders(line, line.stored) },
  { head: "As they were", isNumber: true, cell: (line) => ofOrders(line, line.unchanged) },
  { head: "Not stored", isNumber: true, cell: (line) => count(line.refused) },
  { head: "Ended", cell: (line) => <Age at={line.finishedAt} /> },
];

export function Reading({ parts }: { parts: Part[] }) {
  const lines = stretches(parts);
  const first = lines.map((line) => line.startedAt).sort()[0];
  return (
    <Stack gap="xs" component="section" aria-label={TEXTS.reading}>
      <div>
        <Title order={2} size="h5">
          {isUnderWay(parts) ? TEXTS.readingNow : TEXTS.reading}
        </Title>
        {first && (
          <Text size="sm" className="quiet" component="div">
            Begun <Age at={first} />
          </Text>
        )}
      </div>
      {lines.length > 0 ? (
        <Rows label={TEXTS.reading} columns={COLUMNS} rows={lines} rowKey={(line) => line.resource} />
      ) : (
        <Empty title={TEXTS.readingEmpty}>{TEXTS.readingEmptyNote}</Empty>
      )}
    </Stack>
  );
}

function Progress({ line }: { line: Stretch }) {
  return (
    <div style={{ minWidth: 130 }}>
      <State name={line.state}>
        {PART_STATES[line.state] ?? line.state}
        {line.share !== null ? `, ${percent(line.share)}` : ""}
      </State>
      {line.share !== null && (
        <div className="bar" aria-hidden="true">
          <span style={{ width: `${line.share * 100}%` }} />
        </div>
      )}
    </div>
  );
}

function ofOrders(line: Stretch, figure: number) {
  return line.resource === "orders" ? count(figure) : "–";
}
