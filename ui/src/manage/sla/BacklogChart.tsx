// Open and pending tickets at the end of each day.

import { Chart, scale } from "../../parts/Chart.tsx";
import { count, day } from "../../parts/format.ts";

const WIDTH = 560;
const HEIGHT = 150;

export function BacklogChart({ days }: { days: { day: string; tickets: number }[] }) {
  const most = Math.max(1, ...days.map((each) => each.tickets));
  const x = scale([0, Math.max(1, days.length - 1)], [4, WIDTH - 4]);
  const y = scale([0, most], [HEIGHT, 8]);
  const [first, last] = [days[0], days.at(-1)];
  const line = days.map(
    (each, place) => `${place === 0 ? "M" : "L"}${x(place).toFixed(1)},${y(each.tickets).toFixed(1)}`,
  );
  return (
    <Chart
      says={`${count(last?.tickets)} are open now; ${count(first?.tickets)} were at the end of ${day(first?.day)}.`}
      head={["Day", "Open and pending"]}
      rows={days.map((each) => [day(each.day), count(each.tickets)])}
    >
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + 20}`} aria-hidden="true">
        <line className="grid" x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
        <path className="line" d={line.join("")} />
        {last && <circle className="dot" cx={x(days.length - 1)} cy={y(last.tickets)} r={3.5} />}
        <text x={0} y={HEIGHT + 16}>
          {day(first?.day)}
        </text>
        <text x={WIDTH} y={HEIGHT + 16} textAnchor="end">
          {day(last?.day)}
        </text>
        <text x={0} y={y(most) + 4}>
          {count(most)}
        </text>
      </svg>
    </Chart>
  );
}
