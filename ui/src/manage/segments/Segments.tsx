// The tenant's segments.

import { Button } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";
import { Age } from "../../parts/Age.tsx";
import { count } from "../../parts/format.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { TEXTS } from "./texts.ts";

export type SegmentView = components["schemas"]["SegmentView"];

const COLUMNS: Column<SegmentView>[] = [
  {
    head: "Segment",
    isWide: true,
    cell: (segment) => (
      <>
        <Link to="/manage/segments/$id" params={{ id: segment.id }}>
          {segment.name}
        </Link>
        <div className="quiet small">{segment.description}</div>
      </>
    ),
  },
  {
    head: "Customers",
    isNumber: true,
    cell: (segment) => (
      <Link to="/manage/segments/$id" params={{ id: segment.id }}>
        {count(segment.members)}
      </Link>
    ),
  },
  { head: "Rule", isWide: true, cell: (segment) => <code>{segment.rule_text}</code> },
  {
    head: "State",
    cell: (segment) => (
      <State name={segment.outdated ? "retrying" : segment.status}>{segment.outdated ? "Outdated" : undefined}</State>
    ),
  },
  { head: "Found", cell: (segment) => <Age at={segment.computed_at} /> },
];

export function Segments() {
  const navigate = useNavigate();
  const list = usePages<SegmentView>(
    ["segments"],
    (cursor, signal) => answer(client.GET("/api/segments", { params: { query: { cursor, limit: 50 } }, signal })),
    CALM_MS,
  );
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      queries={[list.query]}
      actions={<Button onClick={() => void navigate({ to: "/manage/segments/new" })}>{TEXTS.make}</Button>}
    >
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(segment) => segment.id}
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
