// Slack: workspaces and how they do, rules of what is told in which channel, and what was told.

import { Button, Alert as Notice } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "../../api/problem.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { count } from "../../parts/format.ts";
import { CALM_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { AlertLog } from "./AlertLog.tsx";
import { disconnect, install, rulesQuery, SLACK, type Workspace, workspacesQuery } from "./calls.ts";
import { Part } from "./Part.tsx";
import { RuleList } from "./RuleList.tsx";
import { TEXTS } from "./texts.ts";

export function Slack() {
  const session = useQuery(sessionQuery);
  const mayChange = may(session.data, "settings:write");
  const workspaces = useQuery({ ...workspacesQuery, refetchInterval: CALM_MS });
  const rules = useQuery({ ...rulesQuery, refetchInterval: CALM_MS });
  const connect = useAct({
    run: install,
    changes: [],
    isShownElsewhere: true,
    // Slack's own page; it leads back here.
    onDone: ({ url }) => window.location.assign(url),
  });
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      queries={[workspaces, rules]}
      actions={
        mayChange && (
          <Button loading={connect.isPending || connect.isSuccess} onClick={() => connect.mutate(undefined)}>
            {TEXTS.connect}
          </Button>
        )
      }
    >
      {connect.isError && <Refused error={connect.error} />}
      <Body query={workspaces} rows={3}>
        {({ items }) => (
          <>
            <Part title={TEXTS.workspaces}>
              <Workspaces workspaces={items} mayChange={mayChange} />
            </Part>
            <RuleList rules={rules} workspaces={items} mayChange={mayChange} />
            <AlertLog />
          </>
        )}
      </Body>
    </Screen>
  );
}

/** An installation without an app at Slack, or without an address to come back to, says what is missing. */
function Refused({ error }: { error: unknown }) {
  if (!(error instanceof Problem) || error.kind !== "not-now") return <Failure error={error} />;
  return (
    <Notice role="alert" color="orange" variant="outline" title={TEXTS.notSetUp}>
      {error.message}
    </Notice>
  );
}

function Workspaces({ workspaces, mayChange }: { workspaces: Workspace[]; mayChange: boolean }) {
  const [ending, setEnding] = useState<Workspace | null>(null);
  const end = useAct({
    run: (workspace: Workspace) => disconnect(workspace.id),
    changes: [SLACK],
    done: () => TEXTS.disconnected,
    isShownElsewhere: true,
    onDone: () => setEnding(null),
  });
  const columns: Column<Workspace>[] = [
    {
      head: TEXTS.workspace,
      isWide: true,
      cell: (workspace) => (
        <>
          {workspace.team_name || workspace.team_id}
          <div className="mono quiet">{workspace.team_id}</div>
        </>
      ),
    },
    {
      head: TEXTS.health,
      isWide: true,
      cell: ({ state, state_reason }) => (
        <>
          <State name={state} tone={state === "connected" ? "good" : "bad"}>
            {state === "connected" ? TEXTS.connected : TEXTS.revoked}
          </State>
          {state_reason && <div className="small">{state_reason}</div>}
        </>
      ),
    },
    { head: TEXTS.lastSent, cell: (workspace) => <Age at={workspace.last_sent_at} /> },
    { head: TEXTS.waiting, isNumber: true, cell: (workspace) => count(workspace.waiting) },
    { head: TEXTS.since, cell: (workspace) => <Age at={workspace.installed_at} /> },
    ...(mayChange
      ? [
          {
            head: "",
            cell: (workspace: Workspace) => (
              <Button
                variant="default"
                aria-label={`${TEXTS.disconnect}: ${workspace.team_name || workspace.team_id}`}
                onClick={() => setEnding(workspace)}
              >
                {TEXTS.disconnect}
              </Button>
            ),
          },
        ]
      : []),
  ];
  if (workspaces.length === 0) return <Empty title={TEXTS.workspacesEmpty}>{TEXTS.workspacesEmptyNote}</Empty>;
  return (
    <>
      <Rows label={TEXTS.workspaces} columns={columns} rows={workspaces} rowKey={(workspace) => workspace.id} />
      {ending && (
        <Confirm
          title={`${TEXTS.disconnect}: ${ending.team_name || ending.team_id}`}
          what={TEXTS.disconnectWhat}
          verb={TEXTS.disconnect}
          isDestructive
          needsReason={false}
          error={end.error}
          isBusy={end.isPending}
          onClose={() => setEnding(null)}
          onConfirm={() => end.mutate(ending)}
        />
      )}
    </>
  );
}
