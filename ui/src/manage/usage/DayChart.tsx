// Use by day: a bar for each day, as wide as there is room.

import { useElementSize } from "@mantine/hooks";
import { Chart, scale } from "../../parts/Chart.tsx";
import { count, day } from "../../parts/format.ts";
import { dollars, type Sum } from "./sums.ts";
import { MEASURES } from "./texts.ts";

export type Measure = "cost" | "calls" | "tokens";

const HEIGHT = 140;

export function DayChart({ days, measure }: { days: Sum[]; measure: Measure }) {
  const { ref, width } = useElementSize();
  const wide = Math.max(240, Math.min(width || 700, 1_200));
  const say = (value: number) => (measure === "cost" ? dollars(value) : count(value));
  const label = MEASURES.find((one) => one.value === measure)?.label ?? "";
  const most = Math.max(...days.map((each) => each[measure]), 0);
  const peak = days.find((each) => each[measure] === most);
  const y = scale([0, most || 1], [HEIGHT, 16]);
  const step = wide / Math.max(1, days.length);
  const bar = Math.min(28, Math.max(1, step - (step > 6 ? 3 : 0.5)));
  const says =
    most === 0
      ? `${label} by day: nothing in these days.`
      : `${label} by day: most on ${day(peak?.key)} with ${say(most)}.`;
  return (
    <Chart
      says={says}
      head={["Day", "Cost", "Calls", "Tokens"]}
      rows={days
        .filter((each) => each.calls > 0)
        .reverse()
        .map((each) => [day(each.key), dollars(each.cost), count(each.calls), count(each.tokens)])}
    >
      <div ref={ref}>
        <svg viewBox={`0 0 ${wide} ${HEIGHT + 22}`} style={{ maxWidth: wide }} aria-hidden="true">
          <line className="grid" x1={0} x2={wide} y1={HEIGHT} y2={HEIGHT} />
          {most > 0 && (
            <>
              <line className="grid" x1={0} x2={wide} y1={y(most)} y2={y(most)} />
              <text x={0} y={y(most) - 4}>
                {say(most)}
              </text>
            </>
          )}
          {days.map((each, place) => (
            <rect
              key={each.key}
              className="bar-kept"
              x={place * step + (step - bar) / 2}
              width={bar}
              y={y(each[measure])}
              height={HEIGHT - y(each[measure])}
            />
          ))}
          <text x={0} y={HEIGHT + 17}>
            {day(days[0]?.key)}
          </text>
          {days.length > 1 && (
            <text x={wide} y={HEIGHT + 17} textAnchor="end">
              {day(days.at(-1)?.key)}
            </text>
          )}
        </svg>
      </div>
    </Chart>
  );
}
