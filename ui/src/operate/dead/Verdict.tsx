// What becomes of a bulk retry while it happens: the canary's verdict, then the rest.

import { Alert, Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import type { Failure, Job, Progress } from "../../api/shapes.ts";
import { count } from "../../parts/format.ts";
import { Body } from "../../parts/Screen.tsx";
import { isFinished, useLiveJob } from "../jobs/live.ts";

type Report = { jobs: number; canary_died: number; left: number; summary: string };

export function Verdict({ id, onClose }: { id: string; onClose: () => void }) {
  const job = useQuery({
    queryKey: ["job", id],
    queryFn: ({ signal }) => answerAs<Job>(client.GET("/api/jobs/{id}", { params: { path: { id } }, signal })),
    refetchInterval: (query) => (isFinished(query.state.data?.state) ? false : 2_000),
  });
  useLiveJob(id, job.data?.state);
  return (
    <Body query={job} rows={1}>
      {(known) => {
        const report = known.result as Report | null;
        const progress = known.progress as Progress | null;
        const error = known.error as Failure | null;
        const died = report?.canary_died ?? 0;
        const title = report
          ? died > 0
            ? `The canary says no: ${count(died)} died again, the rest was left alone`
            : `Done: ${count(report.jobs)} jobs`
          : known.state === "dead" || known.state === "cancelled"
            ? `The bulk action is ${known.state}`
            : "Under way";
        return (
          <Alert
            role="status"
            color={died > 0 || known.state === "dead" ? "orange" : report ? "green" : "blue"}
            variant="outline"
            title={title}
          >
            <Text size="sm">
              {report?.summary ??
                error?.message ??
                progress?.message ??
                (known.state === "running" ? "It runs." : "It waits for its turn.")}
            </Text>
            <Group gap="sm" mt="xs">
              <Link to="/operate/jobs/$id" params={{ id }}>
                The job that does it
              </Link>
              <Button variant="default" onClick={onClose}>
                Close
              </Button>
            </Group>
          </Alert>
        );
      }}
    </Body>
  );
}
