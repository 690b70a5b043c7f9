// The macros by name, with how often each is used.

import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Age } from "../../parts/Age.tsx";
import { useFilters } from "../../parts/filters.ts";
import { count } from "../../parts/format.ts";
import { languageName } from "../../parts/languages.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { type Macro, macros, macrosKey } from "./calls.ts";
import { TEXTS } from "./texts.ts";

const COLUMNS: Column<Macro>[] = [
  {
    head: "Macro",
    isWide: true,
    cell: (macro) => (
      <>
        <Link to="/manage/macros/$id" params={{ id: macro.id }}>
          {macro.name}
        </Link>
        <div className="quiet small">{macro.texts[macro.default_language]?.slice(0, 120)}</div>
      </>
    ),
  },
  { head: "Folder", cell: (macro) => macro.folder ?? "–" },
  { head: "Languages", cell: (macro) => Object.keys(macro.texts).map(languageName).join(", ") },
  { head: "Used", isNumber: true, cell: (macro) => count(macro.uses) },
  { head: "Last", cell: (macro) => <Age at={macro.last_used_at} /> },
  { head: "Changed", cell: (macro) => <Age at={macro.updated_at} /> },
];

export function Macros() {
  const [filters, change] = useFilters();
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const query: Record<string, string> = filters.q ? { q: filters.q } : {};
  const list = usePages<Macro>([...macrosKey, query], (cursor, signal) => macros(query, cursor, signal), CALM_MS);
  const make = may(session.data, "settings:write") && (
    <Button onClick={() => void navigate({ to: "/manage/macros/$id", params: { id: "new" } })}>{TEXTS.make}</Button>
  );
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]} actions={make}>
      <div className="filters">
        <TextInput
          aria-label={TEXTS.search}
          placeholder={TEXTS.search}
          value={filters.q ?? ""}
          onChange={(event) => change({ q: event.currentTarget.value })}
        />
      </div>
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(macro) => macro.id}
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
