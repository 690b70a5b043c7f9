// Requests about sources.

import { answer, answerAs, client } from "../../api/client.ts";
import type { Failure, Job, Page, Progress } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";
import type { SourceBody } from "./form.ts";
import type { Place } from "./kinds.ts";
import type { Imported } from "./said.ts";

type Schemas = components["schemas"];

/** Its place may be of a kind that this page does not know. */
export type Source = Omit<Schemas["SourceView"], "place"> & { place: Place };
export type Preview = Schemas["PreviewView"];
export type Columns = Schemas["ColumnsView"];
export type Reading = Pick<Job, "id" | "state" | "finished_at"> & {
  payload?: { source?: string } | null;
  progress?: Progress | null;
  error?: Failure | null;
  result?: { rows: number; import: Imported | null } | null;
};

/** All sources, and the time zone of the shop. */
export type Known = { items: Source[]; zone: string | null };

export const sourcesKey = ["sources"];

export const sources = (signal: AbortSignal): Promise<Known> =>
  answerAs<{ items: Source[]; zone?: string }>(client.GET("/api/orders/sources", { signal })).then(
    ({ items, zone }) => ({ items, zone: zone ?? null }),
  );

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

/** The last readings of one source, the newest first; those of the other sources are among as many. */
export const readingsOf = async (name: string, signal: AbortSignal) => {
  const query = { kind: "sync_source", fields: "id", limit: MOST };
  const { items } = await answerAs<Page<{ id: string }>>(client.GET("/api/jobs", { params: { query }, signal }));
  const all = await Promise.all(items.map(({ id }) => reading(id, signal)));
  return all.filter((job) => job.payload?.source === name);
};

export const mappings = (signal: AbortSignal) =>
  answer(client.GET("/api/orders/import/mappings", { signal })).then(({ items }) => items);

export const readNow = (name: string) =>
  answer(client.POST("/api/orders/sources/{name}/sync", { params: { path: { name } } }));
export const removeSource = (name: string) =>
  answer(client.DELETE("/api/orders/sources/{name}", { params: { path: { name } } }));

export const columnsOf = (place: Place, password: string, savedAs: string | null) =>
  answer(
    client.POST("/api/orders/sources/columns", {
      body: { place: described(place), password: password === "" ? null : password, saved_as: savedAs },
    }),
  );
export const previewOf = (body: SourceBody, savedAs: string | null) =>
  answer(
    client.POST("/api/orders/sources/preview", {
      params: { query: { saved_as: savedAs ?? undefined } },
      body: { ...body, place: described(body.place) },
    }),
  );
export const saveSource = (name: string, body: SourceBody) =>
  answer(
    client.PUT("/api/orders/sources/{name}", {
      params: { path: { name } },
      body: { ...body, place: described(body.place) },
    }),
  );

/** The table of kinds says which fields a place has, so that the compiler does not know it. */
function described(place: Place): Schemas["PlaceForm"] {
  return place as Schemas["PlaceForm"];
}
