// Requests about macros. Spelled out here until this version's api.d.ts has them.

import { queryOptions } from "@tanstack/react-query";
import { call } from "../../api/later.ts";
import type { Page } from "../../api/shapes.ts";
import type { Action } from "../rules/calls.ts";

export type MacroBody = {
  name: string;
  folder: string | null;
  texts: Record<string, string>;
  default_language: string;
  actions: Action[];
};

export type Macro = MacroBody & {
  id: string;
  uses: number;
  last_used_at: string | null;
  version: number;
  updated_at: string;
};

type Cursor = string | undefined;
const PATH = "/api/macros";

export const macrosKey = ["macros"];

export const macros = (query: Record<string, string>, cursor: Cursor, signal: AbortSignal) =>
  call<Page<Macro>>("GET", PATH, { query: { ...query, cursor, limit: 50 }, signal });
export const macro = (id: string, signal: AbortSignal) => call<Macro>("GET", `${PATH}/${id}`, { signal });
export const makeMacro = (body: MacroBody) => call<Macro>("POST", PATH, { body });
export const changeMacro = (known: Macro, body: MacroBody) =>
  call<Macro>("PUT", `${PATH}/${known.id}`, { body, headers: { "If-Match": `"${known.version}"` } });
export const removeMacro = (id: string) => call<null>("DELETE", `${PATH}/${id}`);

/** For choosing one. */
export const macroNames = queryOptions({
  queryKey: [...macrosKey, "names"],
  queryFn: async ({ signal }) => {
    const page = await call<Page<Macro>>("GET", PATH, { query: { limit: 100 }, signal });
    return page.items.map(({ id, name }) => ({ id, name }));
  },
  staleTime: 60_000,
});
