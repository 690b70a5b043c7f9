// Comparisons over time, and the features that moved most in the latest.

import { Box, Stack, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import type { Drift as Comparison, Page } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { count, words } from "../../parts/format.ts";
import { usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { TEXTS } from "./texts.ts";

const COLUMNS: Column<Comparison>[] = [
  {
    head: "Compared",
    cell: (comparison) => (
      <Link to="/operate/jobs/$id" params={{ id: comparison.job_id }}>
        <Age at={comparison.created_at} />
      </Link>
    ),
  },
  { head: "Verdict", cell: (comparison) => <State name={comparison.verdict} /> },
  { head: "Customers", isNumber: true, cell: (comparison) => count(comparison.report.customers_sampled) },
  { head: "Greatest index", isNumber: true, cell: (comparison) => (moved(comparison)[0]?.index ?? 0).toFixed(3) },
  {
    head: "Of",
    isWide: true,
    cell: (comparison) => (moved(comparison)[0]?.index ? words(moved(comparison)[0]?.name ?? "") : "–"),
  },
];

type Moved = { name: string; alarm: string; index: number };

const FEATURES: Column<Moved>[] = [
  { head: "Feature", isWide: true, cell: (feature) => words(feature.name) },
  { head: "Verdict", cell: (feature) => <State name={feature.alarm} /> },
  { head: "Index", isNumber: true, cell: (feature) => feature.index.toFixed(3) },
];

export function Drift() {
  const list = usePages<Comparison>(["drift"], (cursor, signal) =>
    answerAs<Page<Comparison>>(
      client.GET("/api/intelligence/drift", { params: { query: { cursor, limit: 20 } }, signal }),
    ),
  );
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]}>
      <Body query={list.query}>
        {() => {
          const latest = list.rows?.[0];
          return latest ? (
            <div className="columns">
              <Rows
                label={TEXTS.title}
                columns={COLUMNS}
                rows={list.rows ?? []}
                rowKey={(comparison) => comparison.job_id}
                onMore={list.onMore}
              />
              <Stack gap="xs">
                <Title order={2} size="h5">
                  The latest, feature by feature
                </Title>
                <Box>
                  <Rows
                    label="Features"
                    columns={FEATURES}
                    rows={moved(latest).slice(0, 12)}
                    rowKey={(feature) => feature.name}
                  />
                </Box>
              </Stack>
            </div>
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          );
        }}
      </Body>
    </Screen>
  );
}

function moved(comparison: Comparison): Moved[] {
  return Object.entries(comparison.report.features ?? {})
    .map(([name, { alarm, index }]) => ({ name, alarm, index }))
    .sort((a, b) => b.index - a.index);
}
