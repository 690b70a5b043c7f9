// Imports of orders: a new one, and how those before went.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import type { Job, Page, Progress } from "../../api/shapes.ts";
import { ProgressBar } from "../../operate/jobs/ProgressBar.tsx";
import { Age } from "../../parts/Age.tsx";
import { count } from "../../parts/format.ts";
import { LIVE_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { fatesQuery, namesQuery } from "./after.ts";
import type { Fate } from "./fates.ts";
import { NewImport } from "./NewImport.tsx";
import { TEXTS } from "./texts.ts";

type Outcome = { lines?: number; inserted?: number; duplicates?: number; rejected?: number };

const FIELDS = "id,state,created_at,finished_at,result,progress,error,kind,needs_scope";

type Names = Map<string, string>;

const columns = (fates: Map<string, Fate> | undefined, names: Names | undefined): Column<Job>[] => [
  {
    head: "Import",
    cell: (job) => (
      <Link to="/manage/imports/$id" params={{ id: job.id }}>
        <Age at={job.created_at} />
      </Link>
    ),
  },
  { head: "File", cell: (job) => <span dir="auto">{names?.get(job.id) || "–"}</span> },
  { head: "State", cell: (job) => <State name={fates?.get(job.id) ?? job.state} /> },
  {
    head: "Lines",
    isNumber: true,
    cell: (job) =>
      job.state === "running" && job.progress ? (
        <ProgressBar progress={job.progress as Progress} />
      ) : (
        count((job.result as Outcome | null)?.lines)
      ),
  },
  { head: "New", isNumber: true, cell: (job) => count((job.result as Outcome | null)?.inserted) },
  { head: "Known already", isNumber: true, cell: (job) => count((job.result as Outcome | null)?.duplicates) },
  {
    head: "Left out",
    isNumber: true,
    cell: (job) => (
      <Link to="/manage/imports/$id" params={{ id: job.id }}>
        {count((job.result as Outcome | null)?.rejected)}
      </Link>
    ),
  },
  { head: "Ended", cell: (job) => <Age at={job.finished_at} /> },
];

export function Imports() {
  const list = usePages<Job>(
    ["jobs", { kind: "import_orders" }],
    (cursor, signal) =>
      answerAs<Page<Job>>(
        client.GET("/api/jobs", {
          params: { query: { kind: "import_orders", fields: FIELDS, cursor, limit: 20 } },
          signal,
        }),
      ),
    LIVE_MS,
  );
  const since = list.rows?.at(-1)?.created_at;
  const fates = useQuery(fatesQuery(since));
  const names = useQuery(namesQuery(since));
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]}>
      <NewImport />
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={columns(fates.data, names.data)}
              rows={list.rows}
              rowKey={(job) => job.id}
              onMore={list.onMore}
              isLoadingMore={list.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.drop}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}
