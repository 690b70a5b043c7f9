// What is asked for besides an import's own job: what it was given, and what took it back.

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { answerAs, client } from "../../api/client.ts";
import type { Job, Page } from "../../api/shapes.ts";
import { LIVE_MS } from "../../parts/pages.ts";
import { fateOf, type Undo } from "./fates.ts";

/** What a job was given, which never changes. Lists do not have it. */
export const payloadQuery = (id: string) =>
  queryOptions({
    queryKey: ["payload", id],
    queryFn: async ({ signal }) => {
      const params = { path: { id }, query: { fields: "payload" } };
      return (await answerAs<Pick<Job, "payload">>(client.GET("/api/jobs/{id}", { params, signal }))).payload ?? null;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });

/** The imports that were taken back since then, at most 50. Among the jobs, so that it is asked again with them. */
export const fatesQuery = (since: string | undefined) =>
  queryOptions({
    queryKey: ["jobs", { kind: "undo_import" }, since],
    queryFn: async ({ signal, client: cache }) => {
      const query = { kind: "undo_import", fields: "id,state", limit: 50, ...(since ? { created_from: since } : {}) };
      const page = await answerAs<Page<Job>>(client.GET("/api/jobs", { params: { query }, signal }));
      const undos = page.items.map(async ({ id, state }): Promise<Undo> => {
        return { state, payload: (await cache.fetchQuery(payloadQuery(id))) as Undo["payload"] };
      });
      return fateOf(await Promise.all(undos));
    },
    enabled: since !== undefined,
    placeholderData: keepPreviousData,
    refetchInterval: LIVE_MS,
  });
