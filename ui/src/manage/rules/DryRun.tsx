// A rule tried on the past: nothing is done; each time that it would have fired is listed with what it would have done.

import { Box, Button, Group, NumberInput, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { count } from "../../parts/format.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { dryRun, type Hit, type RuleBody, tryRule } from "./calls.ts";
import { useNames } from "./lists.ts";
import { actionsInWords, type Names } from "./said.ts";
import { TEXTS } from "./texts.ts";

const columnsWith = (names: Names): Column<Hit>[] => [
  {
    head: "Ticket",
    cell: (hit) => (
      <Link to="/desk" search={{ ticket: hit.ticket_id } as never}>
        Open
      </Link>
    ),
  },
  { head: "When", cell: (hit) => <Age at={hit.at} /> },
  { head: "Would have", isWide: true, cell: (hit) => actionsInWords(hit.actions, names) },
];

export function DryRun({ rule, body }: { rule: string | null; body: RuleBody | null }) {
  const names = useNames();
  const [days, setDays] = useState(30);
  const [run, setRun] = useState<string | null>(null);
  const ask = useAct({
    run: () => tryRule(rule ?? "", days, body as RuleBody),
    changes: [],
    isShownElsewhere: true,
    onDone: (asked) => setRun(asked.dry_run_id),
  });
  const result = useQuery({
    queryKey: ["dry-run", run],
    queryFn: ({ signal }) => dryRun(rule ?? "", run ?? "", undefined, signal),
    enabled: run !== null,
    refetchInterval: (query) => (isOver(query.state.data?.dry_run.state) ? false : 1_000),
  });
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.dryRun}>
      <Stack gap="sm">
        <Title order={2} size="h5">
          {TEXTS.dryRun}
        </Title>
        <Text size="sm" className="quiet">
          {rule ? TEXTS.dryRunNote : TEXTS.saveFirst}
        </Text>
        {rule && (
          <Group align="end" gap="xs">
            <NumberInput
              label={TEXTS.days}
              min={1}
              max={92}
              allowDecimal={false}
              w={110}
              value={days}
              onChange={(value) => setDays(Number(value) || 1)}
            />
            <Button variant="default" disabled={!body} loading={ask.isPending} onClick={() => ask.mutate(undefined)}>
              {TEXTS.run}
            </Button>
          </Group>
        )}
        {ask.isError && <Failure error={ask.error} compact />}
        {run && (
          <Body query={result} rows={3}>
            {({ dry_run, items }) => (
              <>
                <Text size="sm" component="div">
                  <State name={dry_run.state} />: {count(dry_run.events)} events looked at, {count(dry_run.fired)} times
                  it would have fired.
                </Text>
                {dry_run.problem && <Text size="sm">{dry_run.problem}</Text>}
                {items.length > 0 && (
                  <Rows
                    label={TEXTS.dryRun}
                    columns={columnsWith(names)}
                    rows={items}
                    rowKey={(hit) => String(hit.seq)}
                  />
                )}
              </>
            )}
          </Body>
        )}
      </Stack>
    </Box>
  );
}

function isOver(state: string | undefined): boolean {
  return state === "done" || state === "failed";
}
