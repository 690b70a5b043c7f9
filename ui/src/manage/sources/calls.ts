// Requests about sources. What this version's api.d.ts does not describe yet goes by later.ts.

import { answer, answerAs, client } from "../../api/client.ts";
import { call } from "../../api/later.ts";
import type { Failure, Job, Page, Progress } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";
import type { ColumnThere, SourceBody } from "./form.ts";
import type { Place } from "./kinds.ts";

export type Source = Omit<components["schemas"]["SourceView"], "place"> & { place: Place };
export type Preview = components["schemas"]["PreviewView"];
export type Columns = { columns: ColumnThere[]; has_more: boolean };
export type Reading = Pick<Job, "id" | "state" | "finished_at"> & {
  payload?: { source?: string } | null;
  progress?: Progress | null;
  error?: Failure | null;
  result?: { rows: number; import: Imported | null } | null;
};
export type Imported = { orders_inserted: number; orders_replaced: number; rejected: number };

export const sourcesKey = ["sources"];

export const sources = (signal: AbortSignal) =>
  call<{ items: Source[] }>("GET", "/api/orders/sources", { signal }).then(({ items }) => items);

const FIELDS = "id,state,payload,progress,error,result,finished_at";
/** Readings that are not over, or came to no good end. A list of jobs has no payloads, so each is asked for. */
const OPEN = "scheduled,ready,running,retrying,dead";
const MOST = 20;

export const reading = (id: string, signal: AbortSignal) =>
  answerAs<Reading>(client.GET("/api/jobs/{id}", { params: { path: { id }, query: { fields: FIELDS } }, signal }));

/** Of all sources, the newest first. */
export const openReadings = async (signal: AbortSignal) => {
  const query = { kind: "sync_source", state: OPEN, fields: "id", limit: MOST };
  const { items } = await answerAs<Page<{ id: string }>>(client.GET("/api/jobs", { params: { query }, signal }));
  return Promise.all(items.map(({ id }) => reading(id, signal)));
};

export const mappings = (signal: AbortSignal) =>
  answer(client.GET("/api/orders/import/mappings", { signal })).then(({ items }) => items);

export const readNow = (name: string) =>
  answer(client.POST("/api/orders/sources/{name}/sync", { params: { path: { name } } }));
export const removeSource = (name: string) =>
  answer(client.DELETE("/api/orders/sources/{name}", { params: { path: { name } } }));

export const columnsOf = (place: Place, password: string, savedAs: string | null) =>
  call<Columns>("POST", "/api/orders/sources/columns", {
    body: { place, password: password === "" ? null : password, saved_as: savedAs },
  });
export const previewOf = (body: SourceBody, savedAs: string | null) =>
  call<Preview>("POST", "/api/orders/sources/preview", { body, query: { saved_as: savedAs } });
export const saveSource = (name: string, body: SourceBody) =>
  call<null>("PUT", `/api/orders/sources/${encodeURIComponent(name)}`, { body });
