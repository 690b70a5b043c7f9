// What happened to a ticket, newest first, and whose it was.

import { Button, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { words } from "../../parts/format.ts";
import { usePages } from "../../parts/pages.ts";
import { Body } from "../../parts/Screen.tsx";
import { told, toldAs } from "../calls.ts";
import { ticketKey, useNames } from "../queries.ts";

type Change = {
  id: string;
  at: string;
  actor: string;
  reason: string | null;
  field: string;
  old: unknown;
  new: unknown;
};

export function History({ id }: { id: string }) {
  const name = useNames();
  const { query, rows, onMore } = usePages<Change>([...ticketKey(id), "history"], (cursor, signal) =>
    toldAs<Page<Change>>(
      client.GET("/api/tickets/{id}/history", { params: { path: { id }, query: { cursor } }, signal }),
    ),
  );
  const owners = useQuery({
    queryKey: [...ticketKey(id), "assignments"],
    queryFn: ({ signal }) => told(client.GET("/api/tickets/{id}/assignments", { params: { path: { id } }, signal })),
  });
  const actor = (text: string) => {
    const [kind, value] = text.split(":");
    if (kind === "agent") return name(value);
    if (kind === "key") return "A program";
    if (kind === "job") return `The desk (${words(value ?? "").toLowerCase()})`;
    return text;
  };
  const value = (what: unknown): string => {
    if (what === null || what === undefined || what === "") return "nothing";
    if (typeof what === "string") return /^[0-9a-f-]{36}$/.test(what) ? name(what) : what;
    if (Array.isArray(what)) return what.length ? what.map(value).join(", ") : "nothing";
    return typeof what === "object" ? JSON.stringify(what) : String(what);
  };
  return (
    <div className="desk-part">
      <Body query={query}>
        {() => (
          <ol className="story">
            {rows?.map((change) => (
              <li key={change.id}>
                <Text size="sm" component="div">
                  <strong>{words(change.field.replace(/_id$/, ""))}</strong>: {value(change.old)} → {value(change.new)}
                </Text>
                <Text size="xs" className="quiet" component="div">
                  {actor(change.actor)}, <Age at={change.at} />
                  {change.reason ? `: ${change.reason}` : ""}
                </Text>
              </li>
            ))}
          </ol>
        )}
      </Body>
      {onMore && (
        <Button variant="default" onClick={onMore}>
          Show more
        </Button>
      )}
      {(owners.data?.items.length ?? 0) > 0 && (
        <>
          <Text fw={600} size="sm" mt="sm">
            Whose it was
          </Text>
          <ol className="story">
            {owners.data?.items.map((entry) => (
              <li key={entry.id}>
                <Text size="sm" component="div">
                  <strong>{entry.agent_name}</strong>
                </Text>
                <Text size="xs" className="quiet" component="div">
                  {entry.explanation} <Age at={entry.from} />
                  {entry.why ? `: ${entry.why}` : ""}
                </Text>
              </li>
            ))}
          </ol>
        </>
      )}
    </div>
  );
}
