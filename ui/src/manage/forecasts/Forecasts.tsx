// The next months of a metric, with intervals and what is known of the past.

import { Box, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";
import { Age } from "../../parts/Age.tsx";
import { Chart, scale } from "../../parts/Chart.tsx";
import { useFilters } from "../../parts/filters.ts";
import { count, money, monthOf, percent, words } from "../../parts/format.ts";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { METRICS } from "./metrics.ts";
import { TEXTS } from "./texts.ts";

type Forecast = components["schemas"]["ForecastView"];
type Answer = Forecast | { job_id: string; state: string; stale_forecast?: Forecast | null };

export function Forecasts() {
  const [filters, change] = useFilters();
  const metric = METRICS.find((known) => known.value === filters.metric)?.value ?? "revenue";
  const forecast = useQuery({
    queryKey: ["forecast", metric],
    queryFn: ({ signal }) =>
      answerAs<Answer>(client.GET("/api/analytics/forecasts/{metric}", { params: { path: { metric } }, signal })),
    refetchInterval: (query) => (query.state.data && "metric" in query.state.data ? false : 1_500),
  });
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[forecast]}>
      <div className="filters">
        <Select
          label="Of what"
          data={METRICS}
          value={metric}
          allowDeselect={false}
          onChange={(value) => change({ metric: value })}
        />
      </div>
      <Body query={forecast}>
        {(known) => {
          const shown = "metric" in known ? known : known.stale_forecast;
          return (
            <>
              {!("metric" in known) && (
                <Empty title={TEXTS.making}>
                  <Link to="/operate/jobs/$id" params={{ id: known.job_id }}>
                    Follow the job
                  </Link>
                </Empty>
              )}
              {shown && <Shown forecast={shown} />}
            </>
          );
        }}
      </Body>
    </Screen>
  );
}

function Shown({ forecast }: { forecast: Forecast }) {
  if (!forecast.available) {
    return (
      <Empty title={TEXTS.none}>
        {forecast.reason}. Looked at <Age at={forecast.computed_at} />.
      </Empty>
    );
  }
  const say = (value: number) =>
    forecast.currency
      ? money(value, forecast.currency)
      : forecast.metric === "churn_rate"
        ? percent(value, 1)
        : count(value);
  const next = forecast.points[0];
  const says = next
    ? `${words(forecast.definition)}. ${monthOf(next.month)}: ${say(next.value)}, most likely between ${say(next.low)} and ${say(next.high)}. Method: ${words(forecast.method ?? "unknown").toLowerCase()}.`
    : forecast.definition;
  return (
    <Box className="panel panel-pad">
      <Chart
        says={says}
        head={["Month", "Value", "From", "To"]}
        rows={[
          ...forecast.history.map((past) => [monthOf(past.month), say(past.value), "", ""]),
          ...forecast.points.map((point) => [monthOf(point.month), say(point.value), say(point.low), say(point.high)]),
        ]}
      >
        <Picture forecast={forecast} say={say} />
      </Chart>
    </Box>
  );
}

function Picture({ forecast, say }: { forecast: Forecast; say: (value: number) => string }) {
  const past = forecast.history.slice(-24);
  const all = [...past.map((point) => point.month), ...forecast.points.map((point) => point.month)];
  const top = Math.max(1e-9, ...past.map((point) => point.value), ...forecast.points.map((point) => point.high));
  const x = scale([0, Math.max(1, all.length - 1)], [60, 690]);
  const y = scale([0, top], [210, 15]);
  const from = past.length;
  const line = (values: { value: number }[], start: number) =>
    values.map((point, place) => `${x(start + place)},${y(point.value)}`).join(" ");
  const band = [
    ...forecast.points.map((point, place) => `${x(from + place)},${y(point.high)}`),
    ...forecast.points.map((point, place) => `${x(from + place)},${y(point.low)}`).reverse(),
  ].join(" ");
  return (
    <svg viewBox="0 0 700 240" aria-hidden="true">
      {[0, 0.5, 1].map((share) => (
        <g key={share}>
          <line className="grid" x1={60} x2={690} y1={y(top * share)} y2={y(top * share)} />
          <text x={54} y={y(top * share) + 4} textAnchor="end">
            {say(top > 10 ? Math.round(top * share) : top * share).replace(/\.00$/, "")}
          </text>
        </g>
      ))}
      <polygon className="band" points={band} />
      <polyline className="line-past" points={line(past, 0)} />
      <polyline className="line" points={line(forecast.points, from)} />
      {[0, from, all.length - 1].map((place) => (
        <text
          key={place}
          x={x(place)}
          y={232}
          textAnchor={place === 0 ? "start" : place === all.length - 1 ? "end" : "middle"}
        >
          {monthOf(all[place])}
        </text>
      ))}
    </svg>
  );
}
