// The chart of an answer: bars beside their names, or a line of months with the range around it. The same numbers are in
// the figure's table, so the picture itself is for eyes and pointers only; a bar's name and a month's point open what they
// name, as in the rows.

import { useElementSize } from "@mantine/hooks";
import { Chart, scale } from "../../parts/Chart.tsx";
import { count } from "../../parts/format.ts";
import { type Context, head, placeOf, said } from "./cells.ts";
import { useKinds } from "./kinds.ts";
import { PlaceLink } from "./PlaceLink.tsx";
import { bars, type Picture, type Point, pictureOf } from "./picture.ts";
import type { ChartOf, Row } from "./shapes.ts";

/** More bars are no picture any more; the table has all. */
const MOST_BARS = 10;

export function AnswerChart({ chart, rows, context }: { chart: ChartOf | null; rows: Row[]; context: Context }) {
  const picture = pictureOf(chart, rows, context);
  if (chart === null || picture === null) return null;
  const more = picture.kind === "bar" ? picture.points.length - MOST_BARS : 0;
  const says = more > 0 ? `${picture.says} ${count(more)} more are in the table.` : picture.says;
  const bounds = chart.bounds ?? [];
  return (
    <Chart
      says={says}
      head={[head(chart.x), head(chart.y), ...bounds.map(head)]}
      rows={picture.points.map((point) => [
        point.name,
        point.text,
        ...bounds.map((field) => said(field, point.row, context)),
      ])}
    >
      {picture.kind === "line" ? (
        <Line picture={picture} field={chart.x} context={context} />
      ) : (
        <Bars points={picture.points.slice(0, MOST_BARS)} field={chart.x} context={context} />
      )}
    </Chart>
  );
}

function Bars({ points, field, context }: { points: Point[]; field: string; context: Context }) {
  const places = bars(points);
  const kinds = useKinds(points.map((point) => point.row));
  return (
    <div className="ask-bars" aria-hidden="true">
      {points.map((point, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two groups may have one name
        <div className="ask-bar" key={place}>
          <span className="ask-bar-name">
            <PlaceLink place={placeOf(field, point.row, context, kinds)} tabIndex={-1}>
              {point.name}
            </PlaceLink>
          </span>
          <span className="ask-bar-track">
            <span
              data-falls={point.value < 0 || undefined}
              style={{ left: `${places[place]?.from ?? 0}%`, width: `${places[place]?.width ?? 0}%` }}
            />
          </span>
          <span className="ask-bar-text">{point.text}</span>
        </div>
      ))}
    </div>
  );
}

const HEIGHT = 210;
const FOOT = 26;
/** A point is hit within so many pixels. */
const REACH = 12;
/** Months name no archetypes. */
const NO_KINDS = new Map<string, string>();

function Line({ picture, field, context }: { picture: Picture; field: string; context: Context }) {
  const { ref, width } = useElementSize();
  const wide = Math.max(240, Math.min(width || 640, 900));
  const { points } = picture;
  const highs = points.map((point) => point.high ?? point.value);
  const lows = points.map((point) => point.low ?? point.value);
  const top = points[highs.indexOf(Math.max(...highs))];
  const x = scale([0, points.length - 1], [14, wide - 14]);
  const y = scale([Math.min(0, ...lows), Math.max(...highs, 1e-9)], [HEIGHT, 22]);
  const path = (values: number[]) => values.map((value, place) => `${x(place)},${y(value)}`).join(" ");
  const band = `${path(highs)} ${lows
    .map((value, place) => `${x(place)},${y(value)}`)
    .reverse()
    .join(" ")}`;
  // Names below: each where there is room, else the ends.
  const isNamed = (place: number) => wide / points.length > 90 || place === 0 || place === points.length - 1;
  return (
    <div ref={ref}>
      <svg viewBox={`0 0 ${wide} ${HEIGHT + FOOT}`} style={{ maxWidth: wide }} aria-hidden="true">
        <line className="grid" x1={0} x2={wide} y1={y(0)} y2={y(0)} />
        {points.some((point) => point.low !== null) && <polygon className="band" points={band} />}
        <polyline className="line" points={path(points.map((point) => point.value))} />
        {points.map((point, place) => (
          <g key={point.name}>
            <PlaceLink place={placeOf(field, point.row, context, NO_KINDS)} tabIndex={-1}>
              <title>{`${point.name}: ${point.text}`}</title>
              <circle className="reach" cx={x(place)} cy={y(point.value)} r={REACH} />
              <circle className="dot" cx={x(place)} cy={y(point.value)} r={3.5} />
            </PlaceLink>
            {wide / points.length > 90 || point === top ? (
              <text
                x={x(place)}
                y={y(point.value) - 9}
                textAnchor={place === 0 ? "start" : place === points.length - 1 ? "end" : "middle"}
              >
                {point.text}
              </text>
            ) : null}
            {isNamed(place) && (
              <text
                x={x(place)}
                y={HEIGHT + 18}
                textAnchor={place === 0 ? "start" : place === points.length - 1 ? "end" : "middle"}
              >
                {point.name}
              </text>
            )}
          </g>
        ))}
      </svg>
    </div>
  );
}
