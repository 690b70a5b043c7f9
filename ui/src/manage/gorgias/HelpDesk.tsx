// The help desk: how it is connected, when both sides were last compared, and what differed.

import { Alert, Box, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useState } from "react";
import { isFinished } from "../../operate/jobs/live.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { useAgentNames } from "../../parts/agents.ts";
import { count } from "../../parts/format.ts";
import { CALM_MS, LIVE_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { ConnectionDialog } from "./ConnectionDialog.tsx";
import {
  type Connection,
  compareNow,
  connection,
  type Difference,
  differences,
  helpDeskKey,
  job,
  type Sync,
  sync,
} from "./calls.ts";
import { said } from "./said.ts";
import { FIELDS, TEXTS } from "./texts.ts";

export function HelpDesk() {
  const session = useQuery(sessionQuery);
  const mayChange = may(session.data, "settings:write");
  const [isEdited, setEdited] = useState(false);
  const known = useQuery({
    queryKey: [...helpDeskKey, "connection"],
    queryFn: ({ signal }) => connection(signal),
    refetchInterval: CALM_MS,
  });
  const [asked, setAsked] = useState<string | null>(null);
  const { isOn, waitsUntil } = useFollowed(asked);
  const compare = useAct({
    run: compareNow,
    changes: [helpDeskKey],
    done: () => TEXTS.asked,
    onDone: ({ job_id }) => setAsked(job_id),
  });
  const isConnected = known.data?.is_connected === true;
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      queries={[known]}
      actions={
        isConnected && mayChange ? (
          <Button loading={compare.isPending || isOn} onClick={() => compare.mutate(undefined)}>
            {TEXTS.now}
          </Button>
        ) : undefined
      }
    >
      <Body query={known}>
        {(shown) =>
          shown.is_connected ? (
            <>
              <Connected known={shown} onChange={mayChange ? () => setEdited(true) : null} />
              <Sameness isOn={isOn} waitsUntil={waitsUntil} />
              <Differences isAwaited={asked !== null} />
            </>
          ) : (
            <Empty title={TEXTS.none}>
              <p>{TEXTS.noneNote}</p>
              {mayChange ? <Button onClick={() => setEdited(true)}>{TEXTS.connect}</Button> : <p>{TEXTS.noneMayNot}</p>}
            </Empty>
          )
        }
      </Body>
      {isEdited && known.data && <ConnectionDialog known={known.data} onClose={() => setEdited(false)} />}
    </Screen>
  );
}

type Following = { isOn: boolean; waitsUntil: string | null };

/** Whether a comparison that was asked for here is under way; what it found is loaded when it ends. */
function useFollowed(id: string | null): Following {
  const cache = useQueryClient();
  const followed = useQuery({
    queryKey: ["job", id],
    queryFn: ({ signal }) => job(id ?? "", signal),
    enabled: id !== null,
    refetchInterval: ({ state }) => (isFinished(state.data?.state) ? false : LIVE_MS),
  });
  const state = followed.data?.state;
  useEffect(() => {
    if (state) void cache.invalidateQueries({ queryKey: helpDeskKey });
  }, [state, cache]);
  const isOn = id !== null && !followed.isError && (state === undefined || state === "ready" || state === "running");
  // One that was put off because the help desk does not answer.
  const isPutOff = state === "scheduled" || state === "retrying";
  return { isOn, waitsUntil: isPutOff ? (followed.data?.run_at ?? null) : null };
}

function Connected({ known, onChange }: { known: Connection; onChange: (() => void) | null }) {
  return (
    <section className="panel panel-pad" aria-label={TEXTS.connection}>
      <Group justify="space-between" align="flex-start" gap="sm" mb="xs">
        <Title order={2} size="h5">
          {TEXTS.connection}
        </Title>
        {onChange && (
          <Button variant="default" onClick={onChange}>
            {TEXTS.change}
          </Button>
        )}
      </Group>
      {known.problem ? (
        <Alert role="alert" color="red" variant="outline" title={TEXTS.problem}>
          {known.problem}
        </Alert>
      ) : (
        <dl className="facts">
          <dt>{TEXTS.address}</dt>
          <dd>{known.base_url}</dd>
          <dt>{TEXTS.user}</dt>
          <dd>{known.email}</dd>
          <dt>{TEXTS.proof}</dt>
          <dd>
            <Proof known={known} />
          </dd>
          <dt>Webhooks</dt>
          <dd>
            {known.last_delivery_at ? (
              <>
                the last <Age at={known.last_delivery_at} />
              </>
            ) : (
              TEXTS.noWebhook
            )}
            {" · "}
            <Link to="/operate/deliveries" className="small">
              {TEXTS.webhooks}
            </Link>
          </dd>
        </dl>
      )}
    </section>
  );
}

function Proof({ known }: { known: Connection }) {
  if (!known.verification) {
    return (
      <State name="none" tone="bad">
        {TEXTS.noProof}
      </State>
    );
  }
  const way = known.verification === "token" ? TEXTS.byToken : TEXTS.byHmac;
  const both = known.secrets > 1 ? `; ${TEXTS.twoSecrets}` : "";
  return `${way.charAt(0).toLowerCase()}${way.slice(1)}${both}`;
}

function Sameness({ isOn, waitsUntil }: Following) {
  const stand = useQuery({
    queryKey: [...helpDeskKey, "sync"],
    queryFn: ({ signal }) => sync(signal),
    refetchInterval: ({ state }) => (state.data?.is_under_way ? LIVE_MS : CALM_MS),
  });
  return (
    <Stack gap="xs" component="section" aria-label={TEXTS.sameness}>
      <Title order={2} size="h5">
        {TEXTS.sameness}
      </Title>
      <Body query={stand} rows={2}>
        {(known) => (
          <>
            <Text size="sm" component="div" role="status">
              <Stand known={known} isOn={isOn} waitsUntil={waitsUntil} />
            </Text>
            {known.last_error && (
              <Alert color="orange" variant="outline" title={TEXTS.failed}>
                <Text size="sm">
                  {known.last_error} (<Age at={known.last_error_at} />)
                </Text>
                <Text size="sm">{TEXTS.failedNote}</Text>
              </Alert>
            )}
            <div className="tiles">
              <Tile figure={<Age at={known.last_round_at} />} name={TEXTS.lastRound} />
              <Tile figure={count(known.looked_at)} name={TEXTS.lookedAt} />
              <Tile figure={count(known.differed)} name={TEXTS.differed} />
              <Tile figure={<Age at={known.updated_through} />} name={TEXTS.through} />
            </div>
          </>
        )}
      </Body>
    </Stack>
  );
}

function Stand({ known, isOn, waitsUntil }: Following & { known: Sync }) {
  if (waitsUntil) {
    return (
      <>
        <State name="retrying">{TEXTS.putOff}</State> <Age at={waitsUntil} />
      </>
    );
  }
  if (isOn || known.is_under_way) return <State name="running">{TEXTS.underWay}</State>;
  // What went wrong is told below.
  if (known.last_error) return null;
  if (known.last_round_at) return <State name="done">{TEXTS.fine}</State>;
  return <State name="never">{TEXTS.never}</State>;
}

function Tile({ figure, name }: { figure: ReactNode; name: string }) {
  return (
    <Box className="panel tile">
      <div className="tile-figure">{figure}</div>
      <div className="quiet small">{name}</div>
    </Box>
  );
}

const columnsOf = (nameOf: (agent: string) => string): Column<Difference>[] => [
  { head: "Found", cell: (found) => <Age at={found.found_at} /> },
  {
    head: "Ticket",
    cell: (found) => (
      <Link to="/desk" search={{ ticket: found.ticket_id } as never}>
        Open
      </Link>
    ),
  },
  { head: "What", cell: (found) => FIELDS[found.field] ?? found.field },
  { head: "Here", cell: (found) => said(found.field, found.ours, "ours", nameOf) },
  { head: "There", cell: (found) => said(found.field, found.theirs, "theirs", nameOf) },
  { head: "Both now", isWide: true, cell: (found) => said(found.field, found.merged, "merged", nameOf) },
];

/** What a comparison finds is written down ticket by ticket, a moment after it. */
function Differences({ isAwaited }: { isAwaited: boolean }) {
  const nameOf = useAgentNames();
  const pages = usePages<Difference>([...helpDeskKey, "differences"], differences, isAwaited ? LIVE_MS : CALM_MS);
  return (
    <Stack gap="xs" component="section" aria-label={TEXTS.differences}>
      <div>
        <Title order={2} size="h5">
          {TEXTS.differences}
        </Title>
        <Text size="sm" className="quiet">
          {TEXTS.differencesNote}
        </Text>
      </div>
      <Body query={pages.query} rows={3}>
        {() =>
          pages.rows?.length ? (
            <Rows
              label={TEXTS.differences}
              columns={columnsOf(nameOf)}
              rows={pages.rows}
              rowKey={(found) => `${found.ticket_id} ${found.field} ${found.found_at}`}
              onMore={pages.onMore}
              isLoadingMore={pages.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.same}>{TEXTS.sameNote}</Empty>
          )
        }
      </Body>
    </Stack>
  );
}
