// Requests about macros.

import { queryOptions } from "@tanstack/react-query";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";
import { everyPage } from "../../parts/pages.ts";
import type { Action } from "../rules/calls.ts";
import { byName } from "./found.ts";

type Schemas = components["schemas"];

// The description leaves open what an act holds.
type Acts = { actions: Action[] };
export type MacroBody = Omit<Schemas["MacroBody"], "actions"> & Acts;
export type Macro = Omit<Schemas["MacroView"], "actions"> & Acts;

type Cursor = string | undefined;

export const macrosKey = ["macros"];

const of = (id: string) => ({ path: { id } });

/** A page; of what was searched for, what is called so comes first on it. */
export const macros = async (query: Record<string, string>, cursor: Cursor, signal: AbortSignal, limit = 50) => {
  const params = { query: { ...query, cursor, limit } };
  const page = await answerAs<Page<Macro>>(client.GET("/api/macros", { params, signal }));
  return { ...page, items: byName(page.items, query.q ?? "") };
};
export const macro = (id: string, signal: AbortSignal) =>
  answerAs<Macro>(client.GET("/api/macros/{id}", { params: of(id), signal }));
export const makeMacro = (body: MacroBody) => answerAs<Macro>(client.POST("/api/macros", { body: body as never }));
export const changeMacro = (known: Macro, body: MacroBody) =>
  answerAs<Macro>(
    client.PUT("/api/macros/{id}", {
      params: { ...of(known.id), header: { "If-Match": `"${known.version}"` } },
      body: body as never,
    }),
  );
export const removeMacro = (id: string) => answer(client.DELETE("/api/macros/{id}", { params: of(id) }));

/** For choosing one. */
export const macroNames = queryOptions({
  queryKey: [...macrosKey, "names"],
  queryFn: async ({ signal }) => {
    const all = await everyPage((cursor) => macros({}, cursor, signal, 100));
    return all.map(({ id, name }) => ({ id, name }));
  },
  staleTime: 60_000,
});
