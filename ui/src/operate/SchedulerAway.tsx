// That no scheduler leads, on the screens of what then stands still.

import { Alert } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer, client } from "../api/client.ts";
import { Age } from "../parts/Age.tsx";
import { CALM_MS } from "../parts/pages.ts";

export function SchedulerAway() {
  const health = useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => answer(client.GET("/health", { signal })),
    refetchInterval: CALM_MS,
    retry: false,
  });
  const since = health.data?.scheduler_away_since;
  if (!since) return null;
  return (
    <Alert color="orange" variant="outline" role="alert" title="No scheduler is at work">
      The last one was heard of <Age at={since} />. Until one is started, what is due later or to be retried does not
      begin, jobs of lost workers are not handed out again, and no schedule runs.
    </Alert>
  );
}
