// The people of the desk: roles, skills, load, and whether they are there.

import { Button, Checkbox } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import { Age } from "../../parts/Age.tsx";
import type { Agent } from "../../parts/agents.ts";
import { useFilters } from "../../parts/filters.ts";
import { words } from "../../parts/format.ts";
import { languageName } from "../../parts/languages.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { Invite } from "./Invite.tsx";
import { Load, Standing } from "./Standing.tsx";
import { TEXTS } from "./texts.ts";

const COLUMNS: Column<Agent>[] = [
  {
    head: "Person",
    isWide: true,
    cell: (agent) => (
      <>
        <Link to="/manage/agents/$id" params={{ id: agent.id }}>
          {agent.name}
        </Link>
        <div className="quiet small">{agent.email}</div>
      </>
    ),
  },
  { head: "Role", cell: (agent) => <span className="nowrap">{words(agent.role ?? "none")}</span> },
  { head: "Stands", cell: (agent) => <Standing agent={agent} /> },
  { head: "Load", cell: (agent) => <Load agent={agent} /> },
  { head: "Departments", cell: (agent) => agent.departments.join(", ") || "–" },
  { head: "Skills", cell: (agent) => agent.skills.join(", ") || "–" },
  { head: "Languages", cell: (agent) => agent.languages.map(languageName).join(", ") || "Any" },
  { head: "Last ticket", cell: (agent) => <Age at={agent.last_assigned_at} /> },
];

export function Agents() {
  const [filters, change] = useFilters();
  const session = useQuery(sessionQuery);
  const [isInviting, setInviting] = useState(false);
  const withDisabled = filters.disabled === "yes";
  const list = usePages<Agent>(
    ["agents", "list", withDisabled],
    (cursor, signal) =>
      answer(
        client.GET("/api/agents", { params: { query: { cursor, limit: 50, include_disabled: withDisabled } }, signal }),
      ),
    CALM_MS,
  );
  const invite = may(session.data, "agents:write") && <Button onClick={() => setInviting(true)}>{TEXTS.invite}</Button>;
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]} actions={invite}>
      <Checkbox
        size="sm"
        label={TEXTS.disabled}
        checked={withDisabled}
        onChange={(event) => change({ disabled: event.currentTarget.checked ? "yes" : null })}
      />
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(agent) => agent.id}
              onMore={list.onMore}
              isLoadingMore={list.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
      {isInviting && <Invite onClose={() => setInviting(false)} />}
    </Screen>
  );
}
