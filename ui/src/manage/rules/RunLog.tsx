// What a rule did: each time with the ticket, why, and what came of it.

import { Box, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Age } from "../../parts/Age.tsx";
import { words } from "../../parts/format.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body } from "../../parts/Screen.tsx";
import { State, type Tone } from "../../parts/State.tsx";
import { type Run, runs } from "./calls.ts";
import { useNames } from "./lists.ts";
import { rulesKey } from "./Rules.tsx";
import { actionsInWords, findingsInWords, type Names } from "./said.ts";
import { EVENTS, OUTCOMES, TEXTS } from "./texts.ts";

const TONES: Record<string, Tone> = { fired: "good", failed: "bad", over_budget: "warn", invalid: "bad" };

const columnsWith = (names: Names): Column<Run>[] => [
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
        <State name={run.outcome} tone={TONES[run.outcome] ?? "none"}>
          {OUTCOMES[run.outcome]}
        </State>
        <div className="small">{run.problem ?? actionsInWords(run.done, names)}</div>
        <details>
          <summary className="small quiet">Why: {EVENTS[run.event] ?? words(run.event).toLowerCase()}</summary>
          <ul className="plain small">
            {findingsInWords(run.results, names).map(({ says, holds }) => (
              <li key={says}>
                {says}: {holds ? TEXTS.held : TEXTS.heldNot}
              </li>
            ))}
          </ul>
        </details>
      </>
    ),
  },
];

export function RunLog({ rule }: { rule: string }) {
  const names = useNames();
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
                columns={columnsWith(names)}
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
