// What models were used for and what it cost, by feature and day, and the month's budget.

import { Box, NativeSelect, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";
import { useFilters } from "../../parts/filters.ts";
import { count, day, percent, words } from "../../parts/format.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { Budget, Verdict } from "./Budget.tsx";
import { DayChart, type Measure } from "./DayChart.tsx";
import { byDay, byFeature, dollars, type Line, type Sum, share, tokensOf, total } from "./sums.ts";
import { FEATURES, MEASURES, SPANS, TEXTS } from "./texts.ts";

/** Lines that are shown before more are asked for. */
const LINES_AT_ONCE = 40;

type Known = components["schemas"]["AiUsage"];

export function Usage() {
  const [filters, change] = useFilters();
  const days = SPANS.find((span) => span.value === filters.days)?.value ?? "30";
  const measure = (MEASURES.find((one) => one.value === filters.measure)?.value ?? "cost") as Measure;
  const usage = useQuery({
    queryKey: ["ai-usage", Number(days)],
    queryFn: ({ signal }) => answer(client.GET("/api/ai/usage", { params: { query: { days: Number(days) } }, signal })),
  });
  const features = Object.entries(FEATURES).map(([value, label]) => ({ value, label }));
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[usage]}>
      <div className="filters">
        <NativeSelect
          label={TEXTS.days}
          size="xs"
          data={SPANS}
          value={days}
          onChange={(event) => change({ days: event.currentTarget.value })}
        />
        <NativeSelect
          label={TEXTS.feature}
          size="xs"
          data={[{ value: "", label: TEXTS.any }, ...features]}
          value={filters.feature ?? ""}
          onChange={(event) => change({ feature: event.currentTarget.value })}
        />
        <NativeSelect
          label={TEXTS.measure}
          size="xs"
          data={MEASURES}
          value={measure}
          onChange={(event) => change({ measure: event.currentTarget.value })}
        />
      </div>
      <Body query={usage}>{(known) => <Shown known={known} feature={filters.feature} measure={measure} />}</Body>
    </Screen>
  );
}

function Shown({ known, feature, measure }: { known: Known; feature: string | undefined; measure: Measure }) {
  const lines = known.lines.filter((line) => feature === undefined || line.feature === feature);
  const all = total(lines);
  const [most, setMost] = useState(LINES_AT_ONCE);
  return (
    <>
      <Verdict verdict={known.verdict} />
      <div className="tiles">
        <Tile name={TEXTS.spent} figure={dollars(known.spent_this_month_micros)} />
        <Tile name={TEXTS.calls} figure={count(all.calls)} />
        <Tile name={TEXTS.tokens} figure={count(all.tokens)} />
        <Tile name={TEXTS.hits} figure={percent(share(all.hits, all.calls))} note="of calls" />
      </div>
      <div className="columns">
        <Stack gap="md">
          {lines.length === 0 ? (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          ) : (
            <>
              <Box className="panel panel-pad" component="section" aria-label={TEXTS.byDay}>
                <DayChart days={byDay(lines, known.from, known.to)} measure={measure} />
              </Box>
              <section aria-label={TEXTS.byFeature}>
                <Title order={2} size="h5" mb="xs">
                  {TEXTS.byFeature}
                </Title>
                <Rows
                  label={TEXTS.byFeature}
                  columns={ofFeatures(all)}
                  rows={byFeature(lines)}
                  rowKey={(sum) => sum.key}
                />
              </section>
            </>
          )}
        </Stack>
        <Budget usage={known} />
      </div>
      {lines.length > 0 && (
        <section aria-label={TEXTS.byDay}>
          <Title order={2} size="h5" mb="xs">
            {TEXTS.byDay}
          </Title>
          <Rows
            label={`${TEXTS.byDay}, feature and model`}
            columns={OF_DAYS}
            rows={lines.slice(0, most)}
            rowKey={(line) => `${line.day} ${line.feature} ${line.model}`}
            onMore={lines.length > most ? () => setMost(most + LINES_AT_ONCE) : undefined}
          />
        </section>
      )}
    </>
  );
}

function Tile({ name, figure, note }: { name: string; figure: string; note?: string }) {
  return (
    <div className="panel tile">
      <Text size="sm" className="quiet">
        {name}
      </Text>
      <div className="tile-figure">{figure}</div>
      {note && (
        <Text size="xs" className="quiet">
          {note}
        </Text>
      )}
    </div>
  );
}

function ofFeatures(all: Sum): Column<Sum>[] {
  return [
    {
      head: "Feature",
      cell: (sum) => (
        <Link to="/manage/usage" search={(now: Record<string, string>) => ({ ...now, feature: sum.key }) as never}>
          {featureName(sum.key)}
        </Link>
      ),
    },
    { head: "Cost", isNumber: true, cell: (sum) => dollars(sum.cost) },
    { head: "Of all", isNumber: true, cell: (sum) => percent(share(sum.cost, all.cost)) },
    { head: "Calls", isNumber: true, cell: (sum) => count(sum.calls) },
    { head: "From cache", isNumber: true, cell: (sum) => percent(share(sum.hits, sum.calls)) },
    { head: "Tokens", isNumber: true, cell: (sum) => count(sum.tokens) },
  ];
}

const OF_DAYS: Column<Line>[] = [
  { head: "Day", cell: (line) => <span className="nowrap">{day(line.day)}</span> },
  { head: "Feature", cell: (line) => <span className="nowrap">{featureName(line.feature)}</span> },
  { head: "Model", cell: (line) => <span className="mono nowrap">{line.model}</span> },
  { head: "Calls", isNumber: true, cell: (line) => count(line.calls) },
  { head: "From cache", isNumber: true, cell: (line) => count(line.cache_hits) },
  { head: "Read", isNumber: true, cell: (line) => count(line.input_tokens) },
  { head: "Read from cache", isNumber: true, cell: (line) => count(line.cache_read_tokens) },
  { head: "Put into cache", isNumber: true, cell: (line) => count(line.cache_write_tokens) },
  { head: "Written", isNumber: true, cell: (line) => count(line.output_tokens) },
  { head: "Tokens", isNumber: true, cell: (line) => count(tokensOf(line)) },
  { head: "Cost", isNumber: true, cell: (line) => dollars(line.cost_micros) },
];

function featureName(feature: string): string {
  return FEATURES[feature] ?? words(feature);
}
