// One model: its figures against simple rules, its calibration, what it looks at, and putting it in force.

import { Box, Button, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { answerAs, client } from "../../api/client.ts";
import type { Figure, Model as Known } from "../../api/shapes.ts";
import { useAct } from "../../parts/act.tsx";
import { actorInWords } from "../../parts/acts.ts";
import { useAgentNames } from "../../parts/agents.ts";
import { Chart, scale } from "../../parts/Chart.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { count, day, percent, words } from "../../parts/format.ts";
import { Body, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { FAMILIES, METRICS, TARGETS, TEXTS } from "./texts.ts";

export function Model() {
  const { id } = useParams({ strict: false }) as { id: string };
  const path = { params: { path: { id } } };
  const model = useQuery({
    queryKey: ["model", id],
    queryFn: ({ signal }) => answerAs<Known>(client.GET("/api/intelligence/models/{id}", { ...path, signal })),
  });
  const session = useQuery(sessionQuery);
  const names = useAgentNames();
  const [isAsking, setAsking] = useState(false);
  const promote = useAct({
    run: (reason: string | null) =>
      answerAs(client.POST("/api/intelligence/models/{id}/promote", { ...path, body: { reason: reason ?? "" } })),
    changes: [["model"], ["models"]],
    done: () => "The model is in force",
    isShownElsewhere: true,
    onDone: () => setAsking(false),
  });
  const known = model.data;
  return (
    <Screen
      title={known ? `Model: ${TARGETS[known.target] ?? known.target} ${known.number}` : "Model"}
      note={known?.reason}
      queries={[model]}
      actions={
        known && known.role !== "champion" && may(session.data, "intelligence:write") ? (
          <Button onClick={() => setAsking(true)}>{TEXTS.promote}</Button>
        ) : undefined
      }
    >
      <Body query={model}>
        {(shown) => (
          <>
            <Compared model={shown} />
            <div className="columns">
              <Stack gap="md">
                <Calibration model={shown} />
              </Stack>
              <Stack gap="md">
                <Panel title="Facts">
                  <dl className="facts">
                    <dt>Role</dt>
                    <dd>
                      <State name={shown.role} />
                    </dd>
                    <dt>Looks ahead</dt>
                    <dd>{shown.horizon_days} days</dd>
                    <dt>Trained on</dt>
                    <dd>{day(shown.trained_as_of)}</dd>
                    <dt>Orders used</dt>
                    <dd>
                      {day(shown.window_from)} to {day(shown.window_to)}
                    </dd>
                    <dt>Judged on</dt>
                    <dd>
                      {count(shown.metrics?.held_back?.customers)} customers
                      {shown.metrics?.held_back?.until ? `, days after ${day(shown.metrics.held_back.until)}` : ""}
                    </dd>
                    <dt>Decided by</dt>
                    <dd>{shown.decided_by ? actorInWords(shown.decided_by, names) : TEXTS.byItself}</dd>
                    <dt>Made of</dt>
                    <dd>{FAMILIES[shown.family] ?? words(shown.family)}</dd>
                  </dl>
                </Panel>
                <Importance model={shown} />
              </Stack>
            </div>
          </>
        )}
      </Body>
      {isAsking && (
        <Confirm
          title={TEXTS.promote}
          what={TEXTS.promoteWhat}
          verb={TEXTS.promote}
          error={promote.error}
          isBusy={promote.isPending}
          onClose={() => setAsking(false)}
          onConfirm={promote.mutate}
        />
      )}
    </Screen>
  );
}

function Panel({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Box className="panel panel-pad" component="section" aria-label={title}>
      <Title order={2} size="h5" mb={6}>
        {title}
      </Title>
      {children}
    </Box>
  );
}

function Compared({ model }: { model: Known }) {
  const ours = model.metrics?.ours;
  if (!ours) return null;
  const baselines = Object.entries(model.metrics?.baselines ?? {});
  return (
    <section aria-label={TEXTS.compared}>
      <Title order={2} size="h5" mb="xs">
        {TEXTS.compared}
      </Title>
      <Text size="xs" className="quiet" mb="xs">
        {TEXTS.less}
      </Text>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls has to be reachable by keys */}
      <section className="table-frame" tabIndex={0} aria-label={TEXTS.compared}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Measure</Table.Th>
              <Table.Th scope="col" className="number">
                This model
              </Table.Th>
              {baselines.map(([name]) => (
                <Table.Th key={name} scope="col" className="number">
                  {words(name)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {Object.keys(ours).map((metric) => (
              <Table.Tr key={metric}>
                <Table.Td>{METRICS[metric] ?? words(metric)}</Table.Td>
                <Table.Td className="number">
                  <strong>{said(ours[metric])}</strong>
                </Table.Td>
                {baselines.map(([name, figures]) => (
                  <Table.Td key={name} className="number">
                    {said(figures[metric])}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
    </section>
  );
}

function said(figure: Figure | undefined): string {
  if (figure === null || figure === undefined) return "–";
  if (typeof figure === "number") return figure.toFixed(3);
  return `${figure.value.toFixed(3)} (${figure.low.toFixed(3)}–${figure.high.toFixed(3)})`;
}

function Calibration({ model }: { model: Known }) {
  const bins = model.calibration;
  if (!bins?.length) return null;
  const most = Math.max(...bins.map((bin) => bin.customers));
  const worst = bins.reduce((a, b) =>
    Math.abs(b.realised - b.predicted) > Math.abs(a.realised - a.predicted) ? b : a,
  );
  const says = `Of customers for whom it said ${percent(worst.predicted)}, ${percent(worst.realised)} left: the largest gap among ${bins.length} groups. On the dashed line both agree; a larger dot stands for more customers.`;
  const x = scale([0, 1], [44, 380]);
  const y = scale([0, 1], [220, 12]);
  return (
    <Panel title={TEXTS.calibration}>
      <Chart
        says={says}
        head={["It said", "It was", "Customers"]}
        rows={bins.map((bin) => [percent(bin.predicted, 1), percent(bin.realised, 1), count(bin.customers)])}
      >
        <svg viewBox="0 0 400 250" aria-hidden="true" style={{ maxWidth: 560 }}>
          {[0, 0.5, 1].map((share) => (
            <g key={share}>
              <line className="grid" x1={44} x2={380} y1={y(share)} y2={y(share)} />
              <text x={38} y={y(share) + 4} textAnchor="end">
                {percent(share)}
              </text>
              <text x={x(share)} y={238} textAnchor="middle">
                {percent(share)}
              </text>
            </g>
          ))}
          <line className="dashed" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
          <polyline className="line" points={bins.map((bin) => `${x(bin.predicted)},${y(bin.realised)}`).join(" ")} />
          {bins.map((bin) => (
            <circle
              key={bin.from}
              className="dot"
              cx={x(bin.predicted)}
              cy={y(bin.realised)}
              r={3 + 6 * Math.sqrt(bin.customers / most)}
            />
          ))}
        </svg>
      </Chart>
    </Panel>
  );
}

function Importance({ model }: { model: Known }) {
  const first = (model.parameters?.importance ?? []).slice(0, 10);
  const most = first[0]?.[1] ?? 1;
  if (first.length === 0) return null;
  return (
    <Panel title={TEXTS.importance}>
      {first.map(([feature, weight]) => (
        <Box key={feature} py={3}>
          <Text size="sm">
            {words(feature)} <span className="quiet">{percent(weight)}</span>
          </Text>
          <div className="bar" aria-hidden="true">
            <span style={{ width: `${(weight / most) * 100}%` }} />
          </div>
        </Box>
      ))}
    </Panel>
  );
}
