// The trail of what people and keys did, and the last count of the books.

import { Box, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import type { AuditLine, Job, Page } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { actInWords, actorInWords, detailInWords } from "../../parts/acts.ts";
import { count } from "../../parts/format.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { TEXTS } from "./texts.ts";

/** The tenant of the cluster's own jobs. */
const CLUSTER = "00000000-0000-0000-0000-000000000000";

const COLUMNS: Column<AuditLine>[] = [
  { head: "When", cell: (line) => <Age at={line.at} /> },
  { head: "What", cell: (line) => <span className="nowrap">{actInWords(line.action)}</span> },
  { head: "To what", isWide: true, cell: (line) => <Subject subject={line.subject} /> },
  { head: "By", isWide: true, cell: (line) => <span title={line.actor}>{actorInWords(line.actor)}</span> },
  {
    head: "Details",
    isWide: true,
    cell: (line) => (
      <Text size="sm" lineClamp={2} title={JSON.stringify(line.detail)}>
        {detailInWords(line.detail)}
      </Text>
    ),
  },
];

export function Audit() {
  const list = usePages<AuditLine>(
    ["audit"],
    (cursor, signal) =>
      answerAs<Page<AuditLine>>(client.GET("/api/admin/audit", { params: { query: { cursor, limit: 50 } }, signal })),
    CALM_MS,
  );
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]}>
      <Books />
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(line) => line.id}
              onMore={list.onMore}
              isLoadingMore={list.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}

type Count = { drifts: unknown[]; enqueued: number; held: number; pruned: number };

function Books() {
  const last = useQuery({
    queryKey: ["books"],
    queryFn: ({ signal }) =>
      answerAs<Page<Job>>(
        client.GET("/api/jobs", {
          params: {
            query: {
              kind: "audit_ledger",
              state: "done",
              tenant_id: CLUSTER,
              limit: 1,
              fields: "id,result,finished_at",
            },
          },
          signal,
        }),
      ),
    refetchInterval: CALM_MS,
  });
  return (
    <Body query={last} rows={1}>
      {(page) => {
        const job = page.items[0];
        const found = job?.result as Count | null | undefined;
        return (
          <Box className="panel panel-pad" component="section" aria-label={TEXTS.books}>
            {!job || !found ? (
              <Text size="sm">{TEXTS.booksNever}</Text>
            ) : (
              <Text size="sm" component="div">
                <State name="books" tone={found.drifts.length === 0 ? "good" : "bad"}>
                  <strong>{found.drifts.length === 0 ? TEXTS.booksFine : TEXTS.booksOff}</strong>
                </State>{" "}
                {count(found.enqueued)} jobs were enqueued, {count(found.held)} are held, {count(found.pruned)} were
                deleted after their time.{" "}
                <Link to="/operate/jobs/$id" params={{ id: job.id }}>
                  Counted <Age at={job.finished_at} />
                </Link>
              </Text>
            )}
          </Box>
        );
      }}
    </Body>
  );
}

function Subject({ subject }: { subject: string }) {
  const [kind, id] = [subject.slice(0, subject.indexOf(":")), subject.slice(subject.indexOf(":") + 1)];
  if (kind === "job") {
    return (
      <Link to="/operate/jobs/$id" params={{ id }} className="mono">
        {subject}
      </Link>
    );
  }
  if (kind === "segment") {
    return (
      <Link to="/manage/segments/$id" params={{ id }} className="mono">
        {subject}
      </Link>
    );
  }
  return <span className="mono">{subject}</span>;
}
