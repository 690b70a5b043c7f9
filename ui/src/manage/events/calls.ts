// The catalogue of events, as other systems can be told of them.

import { queryOptions } from "@tanstack/react-query";
import { answerAs, client } from "../../api/client.ts";
import type { Schema } from "./schema.ts";

export type EventKind = {
  type: string;
  version: number;
  description: string;
  schema: Schema;
  /** What `data` may look like. */
  example: Record<string, unknown>;
};

export type Catalogue = { patterns: string[]; events: EventKind[] };

/** It changes with a new version of the program and not before. */
export const catalogueQuery = queryOptions({
  queryKey: ["outbound", "catalogue"],
  queryFn: ({ signal }) => answerAs<Catalogue>(client.GET("/api/outbound/catalogue", { signal })),
  staleTime: 600_000,
});
