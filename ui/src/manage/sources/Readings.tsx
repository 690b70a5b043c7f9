// The last readings of one source: when each was, what it brought, and why one failed.

import { Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CALM_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { State } from "../../parts/State.tsx";
import { type Reading, readingsOf, sourcesKey } from "./calls.ts";
import { FaultView, PlaceFailure } from "./FaultView.tsx";
import { brought, inShop, rowsRead } from "./said.ts";
import { TEXTS } from "./texts.ts";

export function Readings({ name, zone }: { name: string; zone: string | null }) {
  const list = useQuery({
    queryKey: [...sourcesKey, "readings", name],
    queryFn: ({ signal }) => readingsOf(name, signal),
    refetchInterval: CALM_MS,
  });
  const columns: Column<Reading>[] = [
    {
      head: TEXTS.when,
      cell: (job) => <span className="nowrap">{job.finished_at ? inShop(job.finished_at, zone) : TEXTS.underWay}</span>,
    },
    { head: TEXTS.became, cell: (job) => <State name={job.state} /> },
    { head: TEXTS.what, isWide: true, cell: (job) => <Outcome job={job} /> },
  ];
  return (
    <section className="panel panel-pad" aria-label={TEXTS.readings}>
      <Stack gap="sm">
        <Title order={2} size="h5">
          {TEXTS.readings}
        </Title>
        {list.isError && <PlaceFailure error={list.error} />}
        {list.data?.length === 0 && (
          <Text size="sm" className="quiet">
            {TEXTS.readingsNone}
          </Text>
        )}
        {list.data && list.data.length > 0 && (
          <Rows label={TEXTS.readings} columns={columns} rows={list.data} rowKey={(job) => job.id} />
        )}
      </Stack>
    </section>
  );
}

function Outcome({ job }: { job: Reading }) {
  if (job.error?.message && job.state !== "done") return <FaultView text={job.error.message} />;
  if (!job.result) return <span className="quiet">{TEXTS.noReport}</span>;
  if (!job.result.import) return <span className="quiet">{TEXTS.unchanged}</span>;
  return (
    <>
      <Link to="/manage/imports/$id" params={{ id: job.id }}>
        {brought(job.result.import).join(", ")}
      </Link>
      {job.result.rows > 1 && <div className="quiet small">{rowsRead(job.result.rows)}</div>}
    </>
  );
}
