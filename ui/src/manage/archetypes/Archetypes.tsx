// Kinds of customers, the coarse ones with the finer ones under them.

import { Box, Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answerAs, client } from "../../api/client.ts";
import type { Archetype } from "../../api/shapes.ts";
import { count, day, percent } from "../../parts/format.ts";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { Rename } from "./Rename.tsx";
import { TEXTS } from "./texts.ts";
import { byCustomers, coarseOf } from "./tree.ts";

type Answer = {
  available: boolean;
  reason: string | null;
  as_of: string | null;
  customers: number | null;
  items: Archetype[];
};

export function Archetypes() {
  const kinds = useQuery({
    queryKey: ["archetypes"],
    queryFn: ({ signal }) => answerAs<Answer>(client.GET("/api/intelligence/archetypes", { signal })),
  });
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[kinds]}>
      <Body query={kinds}>
        {(known) =>
          known.available && known.items.length > 0 ? (
            <>
              <Text size="sm" className="quiet">
                {count(known.customers)} customers as of {day(known.as_of)}.
              </Text>
              <Tree kinds={known.items} customers={known.customers ?? 0} />
            </>
          ) : (
            <Empty title={TEXTS.empty}>{known.reason}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}

function Tree({ kinds, customers }: { kinds: Archetype[]; customers: number }) {
  const session = useQuery(sessionQuery);
  const [renamed, setRenamed] = useState<Archetype | null>(null);
  const mayRename = may(session.data, "intelligence:write");
  const coarse = coarseOf(kinds);
  const most = Math.max(1, ...coarse.map((kind) => kind.customers ?? 0));
  return (
    <Box className="panel panel-pad">
      {coarse.map((kind) => {
        const finer = kinds.filter((other) => other.parent_id === kind.id).sort(byCustomers);
        return (
          <div key={kind.id} className="axis-row">
            <div>
              <Link to="/manage/customers" search={{ archetype: kind.id }} className="small">
                <strong>{count(kind.customers)}</strong> {kind.customers === 1 ? "customer" : "customers"}
              </Link>
              <Text size="xs" className="quiet">
                {percent((kind.customers ?? 0) / Math.max(1, customers), 1)}
              </Text>
              <div className="bar" aria-hidden="true">
                <span style={{ width: `${((kind.customers ?? 0) / most) * 100}%` }} />
              </div>
            </div>
            <div>
              <Group gap="xs">
                <Text size="sm" fw={600}>
                  {kind.name}
                </Text>
                {mayRename && kind.automatic_name !== undefined && (
                  <Button
                    variant="subtle"
                    size="compact-sm"
                    aria-label={`${TEXTS.rename}: ${kind.name}`}
                    onClick={() => setRenamed(kind)}
                  >
                    {TEXTS.rename}
                  </Button>
                )}
              </Group>
              <details>
                <summary className="small quiet">
                  {finer.length > 0
                    ? `What they do, and ${finer.length === 1 ? "one finer kind" : `the ${finer.length} finer kinds`}`
                    : "What they do"}
                </summary>
                <Text size="sm" my={4}>
                  {kind.description}
                </Text>
                <ul style={{ margin: 0, paddingLeft: 18 }}>
                  {finer.map((other) => (
                    <li key={other.id} className="small">
                      {other.name}:{" "}
                      <Link to="/manage/customers" search={{ archetype: other.id }}>
                        {count(other.customers)}
                      </Link>
                    </li>
                  ))}
                </ul>
              </details>
            </div>
          </div>
        );
      })}
      {renamed && <Rename kind={renamed} onClose={() => setRenamed(null)} />}
    </Box>
  );
}
