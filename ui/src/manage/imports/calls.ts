// What is sent of a file: of most the beginning for a preview, of archives and workbooks all.

import { queryOptions } from "@tanstack/react-query";
import { answer, client, upload } from "../../api/client.ts";
import type { Sending } from "../../api/sending.ts";
import type { components } from "../../api.d.ts";
import { isOnlyWhole } from "./reading.ts";

export type Preview = components["schemas"]["PreviewView"];
export type Mapping = components["schemas"]["MappingForm"];

/** So much of a file is sent for a preview where its beginning is enough. */
const PREVIEW_BYTES = 4 * 1024 * 1024;

export const mappingsQuery = queryOptions({
  queryKey: ["mappings"],
  queryFn: ({ signal }) => answer(client.GET("/api/orders/import/mappings", { signal })),
  staleTime: 60_000,
});

export function saveMapping(name: string, mapping: Mapping) {
  return answer(client.PUT("/api/orders/import/mappings/{name}", { params: { path: { name } }, body: mapping }));
}

export async function previewOf(file: File, parameters: string, sending: Sending): Promise<Preview> {
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  const isCut = file.size > PREVIEW_BYTES && !isOnlyWhole(head);
  const query = new URLSearchParams(parameters);
  if (isCut) query.set("part", "beginning");
  const part = isCut ? file.slice(0, PREVIEW_BYTES) : file;
  return upload<Preview>(`/api/orders/import/preview?${query}`, part, typeOf(file), sending);
}

export function importOf(file: File, parameters: string, sending: Sending): Promise<{ job_id: string }> {
  const query = new URLSearchParams(parameters);
  query.set("name", file.name.slice(-100));
  return upload(`/api/orders/import?${query}`, file, typeOf(file), sending);
}

function typeOf(file: File): string {
  const name = file.name.toLowerCase();
  if (name.endsWith(".json") || name.endsWith(".ndjson")) return "application/json";
  if (name.endsWith(".csv") || name.endsWith(".txt") || name.endsWith(".tsv")) return "text/csv";
  return "application/octet-stream";
}
