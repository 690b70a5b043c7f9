// Which tools were called with what for an answer, how fresh their figures are and what was withheld.

import { Text } from "@mantine/core";
import { Age } from "../../parts/Age.tsx";
import { count, day, words } from "../../parts/format.ts";
import type { CallMade } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

export function CallsMade({ calls }: { calls: CallMade[] }) {
  if (calls.length === 0) return null;
  return (
    <details className="ask-made">
      <summary>
        {TEXTS.calls}: {calls.length === 1 ? "one call" : `${count(calls.length)} calls`}
      </summary>
      <ol className="ask-calls">
        {calls.map((made, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: calls stand in the order in which they were made
          <li key={place}>
            <Text size="sm" fw={600}>
              {words(made.tool)}
            </Text>
            <dl className="facts">
              <dt>{TEXTS.parameters}</dt>
              <dd>
                {Object.entries(made.arguments).map(([name, value]) => (
                  <code key={name} className="ask-parameter">
                    {name}: {typeof value === "string" ? value : JSON.stringify(value)}
                  </code>
                ))}
              </dd>
              <dt>As of</dt>
              <dd>
                {day(made.as_of)}, computed <Age at={made.computed_at} />
                {made.cost.remembered ? ", kept since" : ""}
              </dd>
              <dt>Read</dt>
              <dd>
                {made.cost.rows_read === 1 ? "one row" : `${count(made.cost.rows_read)} rows`} of tables
                {made.rows ? `; found ${made.rows === 1 ? "one" : count(made.rows)}` : ""}
              </dd>
              {(made.withheld ?? 0) > 0 && (
                <>
                  <dt>Withheld</dt>
                  <dd>{withheld(made.withheld ?? 0)}</dd>
                </>
              )}
              {!made.available && (
                <>
                  <dt>{TEXTS.noAnswer}</dt>
                  <dd>{made.reason ?? "the data do not suffice"}</dd>
                </>
              )}
            </dl>
          </li>
        ))}
      </ol>
    </details>
  );
}

export function withheld(figures: number): string {
  return figures === 1
    ? "one figure is of too few customers, or would tell one that is."
    : `${count(figures)} figures are of too few customers, or would tell those that are.`;
}
