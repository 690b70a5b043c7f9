// Requests of persons, how far each is, and how long things are kept.

import { Anchor, Button, Group, Select, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Age } from "../../parts/Age.tsx";
import { useFilters } from "../../parts/filters.ts";
import { count, words } from "../../parts/format.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { archiveOf, certificateOf, type PrivacyRequest, privacyKey, requests } from "./calls.ts";
import { NewRequestDialog } from "./NewRequestDialog.tsx";
import { RetentionTable } from "./RetentionTable.tsx";
import { KINDS, TEXTS } from "./texts.ts";

const COLUMNS: Column<PrivacyRequest>[] = [
  { head: "Asked", cell: (request) => <Age at={request.requested_at} /> },
  { head: "They want", cell: (request) => <span className="nowrap">{KINDS[request.kind]}</span> },
  {
    head: "Who",
    isWide: true,
    cell: (request) =>
      [request.customer_id && `No. ${request.customer_id}`, request.email].filter(Boolean).join(" · ") ||
      (request.unreadable ?? "no longer known"),
  },
  { head: "State", isWide: true, cell: (request) => <Standing request={request} /> },
  {
    head: "Due",
    cell: (request) =>
      request.is_late ? (
        <State name="late" tone="bad">
          <Age at={request.due_at} />
        </State>
      ) : (
        <Age at={request.due_at} />
      ),
  },
  {
    head: "",
    cell: (request) => (
      <Group gap={10} wrap="nowrap">
        {request.job_id && (
          <Link to="/operate/jobs/$id" params={{ id: request.job_id }} className="small">
            Job
          </Link>
        )}
        {request.archive_bytes != null && (
          <Anchor size="sm" href={archiveOf(request.id)} download>
            {TEXTS.archive}
          </Anchor>
        )}
        {request.state === "done" && (
          <Anchor size="sm" href={certificateOf(request.id)} download={`certificate-${request.id}.json`}>
            {TEXTS.certificate}
          </Anchor>
        )}
      </Group>
    ),
  },
];

function Standing({ request }: { request: PrivacyRequest }) {
  const rows = Object.values(request.reached).reduce((sum, each) => sum + each, 0);
  return (
    <>
      <State name={request.state} />
      {request.in_help_desk && request.help_desk_state && (
        <span className="quiet small"> – help desk: {request.help_desk_state}</span>
      )}
      {request.steps && <div className="quiet small">{stepsWords(request.steps)}</div>}
      {rows > 0 && <div className="quiet small">{count(rows)} rows</div>}
      {[request.error, ...request.remarks].filter(Boolean).map((line) => (
        <Text key={line} size="xs" className="quiet">
          {line}
        </Text>
      ))}
    </>
  );
}

function stepsWords({ done, total }: { done: number; total: number }): string {
  return done === total ? `All ${total} steps done` : `${done} of ${total} steps`;
}

export function Privacy() {
  const [filters, change] = useFilters();
  const session = useQuery(sessionQuery);
  const [isAsking, setAsking] = useState(false);
  const mayChange = may(session.data, "privacy:write");
  const list = usePages<PrivacyRequest>(
    [...privacyKey, "requests", filters.state],
    (cursor, signal) => requests(filters.state, cursor, signal),
    CALM_MS,
  );
  const make = mayChange && <Button onClick={() => setAsking(true)}>{TEXTS.make}</Button>;
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]} actions={make}>
      <div className="filters">
        <Select
          aria-label="State"
          placeholder="Every state"
          clearable
          data={["open", "running", "done", "failed"].map((value) => ({ value, label: words(value) }))}
          value={filters.state ?? null}
          onChange={(value) => change({ state: value })}
        />
      </div>
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(request) => request.id}
              onMore={list.onMore}
            />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
      <Stack gap="xs" maw={900}>
        <Title order={2} size="h5">
          {TEXTS.retention}
        </Title>
        <Text size="sm" className="quiet">
          {TEXTS.retentionNote}
        </Text>
        <RetentionTable mayChange={mayChange} />
      </Stack>
      {isAsking && <NewRequestDialog onClose={() => setAsking(false)} />}
    </Screen>
  );
}
