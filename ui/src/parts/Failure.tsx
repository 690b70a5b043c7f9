// What a screen shows when a request failed: what happened, what to do, and a way to try again.

import { Alert, Anchor, Button, Group, Text } from "@mantine/core";
import { Problem } from "../api/problem.ts";
import { FAILURES, TEXTS } from "./texts.ts";

type Props = { error: unknown; onRetry?: () => void; compact?: boolean };

export function Failure({ error, onRetry, compact }: Props) {
  const problem = error instanceof Problem ? error : new Problem("broken", error instanceof Error ? error.message : "");
  const { title, advice } = FAILURES[problem.kind];
  const wait = problem.retryAfterSecs ? ` Try again in ${problem.retryAfterSecs} s.` : "";
  return (
    <Alert
      role="alert"
      color={/^(invalid|conflict|not-now)$/.test(problem.kind) ? "orange" : "red"}
      title={title}
      variant="outline"
      mt={compact ? 0 : "sm"}
    >
      {problem.message && (
        <Text size="sm" component="pre" ff="inherit" m={0} mb={4} style={{ whiteSpace: "pre-wrap" }}>
          {problem.field ? `${problem.field}: ` : ""}
          {problem.message}
        </Text>
      )}
      <Text size="sm">
        {advice}
        {wait}
      </Text>
      {problem.correlationId && problem.kind === "broken" && (
        <Text size="xs" mt={4} className="mono">
          {TEXTS.number}: {problem.correlationId}
        </Text>
      )}
      <Group mt="xs" gap="sm">
        {onRetry && problem.kind !== "forbidden" && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {TEXTS.again}
          </Button>
        )}
        {problem.kind === "signed-out" && (
          <Anchor
            size="sm"
            href={`/sign-in?next=${encodeURIComponent(window.location.pathname + window.location.search)}`}
          >
            {TEXTS.signIn}
          </Anchor>
        )}
      </Group>
    </Alert>
  );
}
