// An answer: its text, chart and rows, how fresh they are, what to bear in mind and what was left out, and who answered.

import { Group, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Age } from "../../parts/Age.tsx";
import { count, day } from "../../parts/format.ts";
import { State } from "../../parts/State.tsx";
import { AnswerChart } from "./AnswerChart.tsx";
import { AnswerRows } from "./AnswerRows.tsx";
import { CallsMade, withheld } from "./CallsMade.tsx";
import { contextOf } from "./cells.ts";
import { WithCustomers } from "./PlaceLink.tsx";
import type { Answer } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

type Props = {
  answer: Answer;
  question: string;
  /** What was answered before is shown in its words; the rest can be opened. */
  isFolded: boolean;
  children?: ReactNode;
};

export function AnswerPart({ answer, question, isFolded, children }: Props) {
  const context = contextOf(answer.calls, answer.chart);
  const left = answer.calls.reduce((sum, call) => sum + (call.withheld ?? 0), 0);
  // Who answered stands above already.
  const caveats = answer.caveats.filter((caveat) => !caveat.startsWith("Answered without a model"));
  const computed = answer.calls.map((call) => call.computed_at).sort()[0];
  const total = answer.calls.findLast((call) => call.available)?.rows ?? 0;
  const behind = (
    <>
      <AnswerChart chart={answer.chart} rows={answer.rows} context={context} />
      {answer.rows.length > 0 && (
        <div>
          <AnswerRows rows={answer.rows} context={context} label={`${TEXTS.rows}: ${question}`} />
          {total > answer.rows.length && (
            <Text size="xs" className="quiet">
              {count(total)} rows were found; “more” shows those that follow.
            </Text>
          )}
        </div>
      )}
    </>
  );
  return (
    <Stack gap="sm">
      <Group gap="md" className="small">
        <Outcome answer={answer} />
        <span className="quiet">
          {answer.answered_by === "grammar" ? "without a model" : `by the model ${answer.model ?? answer.answered_by}`}
        </span>
        {answer.as_of && (
          <span className="quiet">
            as of {day(answer.as_of)}, computed <Age at={computed} />
          </span>
        )}
      </Group>
      <div className="ask-text">
        {answer.text.split(/\n+/).map((paragraph, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: paragraphs of a text that does not change
          <p key={place}>{answer.outcome === "answered" ? <WithCustomers text={paragraph} /> : paragraph}</p>
        ))}
      </div>
      {children}
      {isFolded && answer.rows.length > 0 ? (
        <details className="ask-fold">
          <summary>
            {TEXTS.rows}: {answer.rows.length === 1 ? "one row" : `${count(answer.rows.length)} rows`}
          </summary>
          <Stack gap="sm" mt="xs">
            {behind}
          </Stack>
        </details>
      ) : (
        behind
      )}
      {left > 0 && (
        <Text size="sm">
          <strong>{TEXTS.isWithheld}:</strong> {withheld(left)}
        </Text>
      )}
      {caveats.length > 0 && (
        <section aria-label={TEXTS.caveats}>
          <Text size="sm" fw={600}>
            {TEXTS.caveats}
          </Text>
          <ul className="ask-caveats">
            {caveats.map((caveat) => (
              <li key={caveat}>{caveat}</li>
            ))}
          </ul>
        </section>
      )}
      <CallsMade calls={answer.calls} />
    </Stack>
  );
}

function Outcome({ answer }: { answer: Answer }) {
  if (answer.outcome === "asks")
    return (
      <State name="asks" tone="warn">
        Asks back
      </State>
    );
  if (answer.outcome === "declined")
    return (
      <State name="declined" tone="none">
        Cannot answer
      </State>
    );
  const isEmpty = answer.calls.length > 0 && answer.calls.every((call) => !call.available);
  return isEmpty ? (
    <State name="empty" tone="warn">
      The data do not say
    </State>
  ) : (
    <State name="answered" tone="good">
      Answered
    </State>
  );
}
