// What the month may cost and what is left of it, and the limits beside it; changed by whoever may change settings.

import { Alert, Box, Button, Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";
import { count } from "../../parts/format.ts";
import { Body } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { BudgetDialog } from "./BudgetDialog.tsx";
import { dollars } from "./sums.ts";
import { TEXTS } from "./texts.ts";

type Usage = components["schemas"]["AiUsage"];

export function Budget({ usage }: { usage: Usage }) {
  const session = useQuery(sessionQuery);
  const [isEditing, setEditing] = useState(false);
  const policy = useQuery({
    queryKey: ["ai-policy"],
    queryFn: ({ signal }) => answer(client.GET("/api/ai/policy", { signal })),
  });
  const mayEdit = may(session.data, "settings:write");
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.budget}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          {TEXTS.budget}
        </Title>
        {mayEdit && (
          <Button variant="default" disabled={!policy.data} onClick={() => setEditing(true)}>
            {TEXTS.edit}
          </Button>
        )}
      </Group>
      <Spent usage={usage} />
      <Body query={policy} rows={2}>
        {(known) => (
          <dl className="facts" style={{ marginTop: 10 }}>
            <dt>Warning</dt>
            <dd>
              {known.monthly_micros === null || known.monthly_micros === undefined
                ? "none without a limit"
                : `from ${dollars((known.monthly_micros * known.warn_percent) / 100)} on (${known.warn_percent} %)`}
            </dd>
            <dt>Rounds</dt>
            <dd>{known.rounds} with the model for one question at most</dd>
            <dt>Smallest group</dt>
            <dd>{count(known.smallest_group)} customers; smaller ones are withheld</dd>
          </dl>
        )}
      </Body>
      {!mayEdit && (
        <Text size="sm" className="quiet" mt="xs">
          {TEXTS.mayNot}
        </Text>
      )}
      {isEditing && policy.data && <BudgetDialog policy={policy.data} onClose={() => setEditing(false)} />}
    </Box>
  );
}

function Spent({ usage }: { usage: Usage }) {
  const limit = usage.monthly_micros ?? null;
  if (limit === null) return <Text size="sm">{TEXTS.unlimited}</Text>;
  const part = limit > 0 ? Math.min(1, usage.spent_this_month_micros / limit) : 1;
  return (
    <>
      <Text size="sm">
        {dollars(usage.spent_this_month_micros)} of {dollars(limit)} this month
      </Text>
      <div className="bar" aria-hidden="true">
        <span style={{ width: `${part * 100}%` }} data-full={usage.verdict === "stop" || undefined} />
      </div>
    </>
  );
}

/** What the budget says, where it says something. */
export function Verdict({ verdict }: { verdict: string }) {
  if (verdict === "stop") {
    return (
      <Alert variant="outline" color="red" role="note" title={TEXTS.stop}>
        <Text size="sm">{TEXTS.stopNote}</Text>
      </Alert>
    );
  }
  if (verdict === "warning") {
    return (
      <Alert variant="outline" color="orange" role="note" title={TEXTS.warning}>
        <Text size="sm">{TEXTS.warningNote}</Text>
      </Alert>
    );
  }
  return null;
}
