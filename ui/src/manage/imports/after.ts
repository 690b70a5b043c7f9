// What is asked for besides an import's own job: what it was given, what it is called, and what took it back.

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Job, Page } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";
import { LIVE_MS } from "../../parts/pages.ts";
import { type Fate, fateOf, nameOf, type Undo } from "./fates.ts";

type Listed = components["schemas"]["ImportView"];

/** States of a job in which its import has not begun. */
const UNBEGUN = new Set(["scheduled", "ready"]);
/** Pages that names are read of, at most. */
const NAME_PAGES = 20;

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

/** An import as it is listed, once it has begun: before, the api has none. What came of taking it back is in it. */
export const importQuery = (id: string, state: string | undefined, fate: Fate | undefined) =>
  queryOptions({
    queryKey: ["jobs", "import", id, state, fate],
    queryFn: ({ signal }) =>
      answer(client.GET("/api/orders/imports/{job_id}", { params: { path: { job_id: id } }, signal })),
    enabled: state !== undefined && !UNBEGUN.has(state),
    // That of the same import, until its next state is known.
    placeholderData: (before: Listed | undefined, query) => (query?.queryKey[2] === id ? before : undefined),
    retry: false,
  });

/** What the imports since then are called, by their jobs. */
export const namesQuery = (since: string | undefined) =>
  queryOptions({
    queryKey: ["jobs", "imports' names", since],
    queryFn: async ({ signal }) => {
      const names = new Map<string, string>();
      const from = Date.parse(since ?? "");
      let cursor: string | undefined;
      for (let page = 0; page < NAME_PAGES; page += 1) {
        const params = { query: { cursor, limit: 50 } };
        const { items, next_cursor } = await answer(client.GET("/api/orders/imports", { params, signal }));
        for (const item of items) names.set(item.job_id, nameOf(item) ?? "");
        const last = items.at(-1);
        // The one that began last comes first, and none begins before its job is made.
        if (!next_cursor || !last || Date.parse(last.started_at) < from) break;
        cursor = next_cursor;
      }
      return names;
    },
    enabled: since !== undefined,
    placeholderData: keepPreviousData,
    refetchInterval: LIVE_MS,
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
