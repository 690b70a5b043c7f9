// The share kept in time, day by day: a bar for each day with its missed part on top.

import { Chart, scale } from "../../parts/Chart.tsx";
import { count, day, percent } from "../../parts/format.ts";
import type { Group } from "./shapes.ts";

const WIDTH = 560;
const HEIGHT = 150;

export function TrendChart({ days }: { days: Group[] }) {
  const known = [...days].sort((a, b) => (a.key ?? "").localeCompare(b.key ?? ""));
  const most = Math.max(1, ...known.map((each) => each.ended));
  const y = scale([0, most], [HEIGHT, 8]);
  const width = WIDTH / Math.max(1, known.length);
  const bar = Math.min(28, Math.max(2, width - 4));
  const [worst] = [...known].sort((a, b) => b.missed - a.missed);
  const says =
    worst && worst.missed > 0
      ? `On ${inDays(known.length)} something ended; most came too late on ${day(worst.key)}: ${count(worst.missed)} of ${count(worst.ended)}.`
      : `On ${inDays(known.length)} something ended, all of it in time.`;
  return (
    <Chart
      says={says}
      head={["Day", "Ended", "In time", "Too late", "Share in time"]}
      rows={known.map((each) => [
        day(each.key),
        count(each.ended),
        count(each.met),
        count(each.missed),
        percent(each.compliance),
      ])}
    >
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + 20}`} aria-hidden="true">
        <line className="grid" x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
        {known.map((each, place) => {
          const x = place * width + (width - bar) / 2;
          return (
            <g key={each.key}>
              <rect
                className="bar-kept"
                x={x}
                width={bar}
                y={y(each.ended - each.missed)}
                height={HEIGHT - y(each.ended - each.missed)}
              />
              <rect
                className="bar-missed"
                x={x}
                width={bar}
                y={y(each.ended)}
                height={y(each.ended - each.missed) - y(each.ended)}
              />
            </g>
          );
        })}
        <text x={0} y={HEIGHT + 16}>
          {day(known[0]?.key)}
        </text>
        {known.length > 1 && (
          <text x={WIDTH} y={HEIGHT + 16} textAnchor="end">
            {day(known.at(-1)?.key)}
          </text>
        )}
      </svg>
    </Chart>
  );
}

function inDays(days: number): string {
  return days === 1 ? "one day" : `${count(days)} days`;
}
