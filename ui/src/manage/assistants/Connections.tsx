// The keys that can connect an assistant: when they were used, and where they are revoked.

import { Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Age } from "../../parts/Age.tsx";
import { count } from "../../parts/format.ts";
import { usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { type ApiKey, list } from "../keys/calls.ts";
import { Standing } from "../keys/Keys.tsx";
import { looks } from "./calls.ts";
import { lookupsByKey, mayConnect } from "./connections.ts";
import { TEXTS } from "./texts.ts";

export function Connections() {
  const session = useQuery(sessionQuery);
  const seesKeys = may(session.data, "settings:write");
  return (
    <section aria-label={TEXTS.keys}>
      <Title order={2} size="h5">
        {TEXTS.keys}
      </Title>
      <Text size="sm" className="quiet" mb="xs">
        {seesKeys ? TEXTS.keysNote : TEXTS.keysHidden}
      </Text>
      {seesKeys && <Keys seesTrail={may(session.data, "audit:read")} />}
    </section>
  );
}

function Keys({ seesTrail }: { seesTrail: boolean }) {
  const pages = usePages<ApiKey>(["keys"], list);
  const trail = useQuery({
    queryKey: ["assistants", "looks"],
    queryFn: ({ signal }) => looks(signal),
    enabled: seesTrail,
  });
  const lookups = lookupsByKey(trail.data?.items ?? []);
  const columns: Column<ApiKey>[] = [
    {
      head: "Key",
      isWide: true,
      cell: (key) => (
        <>
          {key.name}
          <div className="mono quiet">dsk_{key.prefix}…</div>
        </>
      ),
    },
    { head: "Stands", cell: (key) => <Standing apiKey={key} /> },
    { head: "Looks customers up", cell: (key) => says(key, "customers:read") },
    { head: "Last used", cell: (key) => <Age at={key.last_used_at} /> },
    ...(seesTrail
      ? [{ head: TEXTS.lookups, cell: (key: ApiKey) => <Looked found={lookups.get(key.id)} keyId={key.id} /> }]
      : []),
    {
      head: "",
      cell: (key) =>
        key.revoked_at ? null : (
          <Link to="/manage/keys" className="nowrap" aria-label={`${TEXTS.revoke}: ${key.name}`}>
            {TEXTS.revoke}
          </Link>
        ),
    },
  ];
  return (
    <Body query={pages.query} rows={3}>
      {() => {
        // Those that were revoked stay in their own list; here is who can come in, or did lately.
        const rows = (pages.rows ?? []).filter((key) => mayConnect(key) && !key.revoked_at);
        return rows.length > 0 ? (
          <Rows
            label={TEXTS.keys}
            columns={columns}
            rows={rows}
            rowKey={(key) => key.id}
            onMore={pages.onMore}
            isLoadingMore={pages.query.isFetchingNextPage}
          />
        ) : (
          <Empty title={TEXTS.keysEmpty}>{TEXTS.keysEmptyNote}</Empty>
        );
      }}
    </Body>
  );
}

function says(key: ApiKey, scope: string): string {
  return key.scopes.includes(scope) || key.scopes.includes("operator") ? "yes" : "no";
}

function Looked({ found, keyId }: { found: { count: number; last: string } | undefined; keyId: string }) {
  if (!found) return <span className="quiet">none lately</span>;
  const search = { actor: `key:${keyId}`, action: "customer-data.view" };
  return (
    <Link to="/manage/trail" search={search} className="nowrap">
      {count(found.count)}, the last <Age at={found.last} />
    </Link>
  );
}
