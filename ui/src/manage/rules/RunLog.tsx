// What a rule did: each time with the ticket, why, and what came of it.

import { Box, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Age } from "../../parts/Age.tsx";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body } from "../../parts/Screen.tsx";
import { State, type Tone } from "../../parts/State.tsx";
import { type Run, runs } from "./calls.ts";
import { rulesKey } from "./Rules.tsx";
import { actionsInWords } from "./said.ts";
import { EVENTS, TEXTS } from "./texts.ts";

const TONES: Record<string, Tone> = { fired: "good", failed: "bad", over_budget: "warn", invalid: "bad" };

const COLUMNS: Column<Run>[] = [
  { head: "When", cell: (run) => <Age at={run.at} /> },
  {
    head: "Ticket",
    cell: (run) => (
      <Link to="/desk" search={{ ticket: run.ticket_id } as never}>
        Open
      </Link>
    ),
  },
  {
    head: "What came of it",
    isWide: true,
    cell: (run) => (
      <>
        <State name={run.outcome} tone={TONES[run.outcome] ?? "none"} />
        <div className="small">{run.problem ?? actionsInWords(run.done)}</div>
        <details>
          <summary className="small quiet">Why: {EVENTS[run.event] ?? run.event}</summary>
          <pre className="payload mono">{JSON.stringify(run.results, null, 2)}</pre>
        </details>
      </>
    ),
  },
];

export function RunLog({ rule }: { rule: string }) {
  const pages = usePages<Run>([...rulesKey, rule, "runs"], (cursor, signal) => runs(rule, cursor, signal), CALM_MS);
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.runs}>
      <Stack gap="sm">
        <Title order={2} size="h5">
          {TEXTS.runs}
        </Title>
        <Body query={pages.query} rows={3}>
          {() =>
            pages.rows?.length ? (
              <Rows
                label={TEXTS.runs}
                columns={COLUMNS}
                rows={pages.rows}
                rowKey={(run) => run.id}
                onMore={pages.onMore}
              />
            ) : (
              <Text size="sm" className="quiet">
                {TEXTS.runsNone}
              </Text>
            )
          }
        </Body>
      </Stack>
    </Box>
  );
}
