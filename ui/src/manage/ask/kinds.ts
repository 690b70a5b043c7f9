// Ids of archetypes by their names, for rows that name some without saying which.

import { useQuery } from "@tanstack/react-query";
import { answerAs, client } from "../../api/client.ts";
import type { Archetype, Page } from "../../api/shapes.ts";
import type { Row } from "./shapes.ts";

/** Asked for only where rows name archetypes. */
export function useKinds(rows: Row[]): Map<string, string> {
  const kinds = useQuery({
    queryKey: ["archetypes"],
    queryFn: ({ signal }) => answerAs<Page<Archetype>>(client.GET("/api/intelligence/archetypes", { signal })),
    staleTime: 300_000,
    enabled: rows.some((row) => typeof row.archetype === "string" || row.axis === "archetype"),
  });
  return new Map((kinds.data?.items ?? []).map((kind) => [kind.name, kind.id]));
}
