// Workers, their slots, and the jobs that each runs now.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import type { Page, Worker } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { count, shortId } from "../../parts/format.ts";
import { LIVE_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { inOrder, runningOf } from "./order.ts";
import { TEXTS } from "./texts.ts";

const COLUMNS: Column<Worker>[] = [
  {
    head: "Worker",
    cell: (worker) => (
      <>
        {worker.name}
        <div className="quiet small">
          {worker.host}, pid {worker.pid}
        </div>
      </>
    ),
  },
  { head: "State", cell: (worker) => <State name={worker.state} /> },
  {
    head: "Holds",
    isWide: true,
    cell: (worker) =>
      worker.jobs.length === 0 ? (
        <span className="quiet">{worker.state === "lost" ? TEXTS.lost : TEXTS.nothing}</span>
      ) : (
        worker.jobs.map((job) => (
          <div key={job.id}>
            <Link to="/operate/jobs/$id" params={{ id: job.id }}>
              {job.kind} <span className="mono">{shortId(job.id)}</span>
            </Link>{" "}
            <span className="quiet small">
              since <Age at={job.started_at} />
            </span>
          </div>
        ))
      ),
  },
  { head: "Running", isNumber: true, cell: (worker) => count(runningOf(worker)) },
  {
    head: "Slots",
    isWide: true,
    cell: (worker) => (
      <span className="small">
        {Object.entries(worker.queues)
          .map(([queue, slots]) => `${queue} ${slots}`)
          .join(", ")}
      </span>
    ),
  },
  { head: "Last beat", cell: (worker) => <Age at={worker.beat_at} /> },
  { head: "Started", cell: (worker) => <Age at={worker.started_at} /> },
  { head: "Version", cell: (worker) => worker.version },
];

export function Workers() {
  const workers = useQuery({
    queryKey: ["workers"],
    queryFn: ({ signal }) =>
      answerAs<Page<Worker>>(client.GET("/api/admin/workers", { params: { query: { limit: 100 } }, signal })),
    refetchInterval: LIVE_MS,
  });
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[workers]}>
      <Body query={workers}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          ) : (
            <Rows label={TEXTS.title} columns={COLUMNS} rows={inOrder(page.items)} rowKey={(worker) => worker.id} />
          )
        }
      </Body>
    </Screen>
  );
}
