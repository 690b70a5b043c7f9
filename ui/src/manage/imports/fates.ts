// Imports by what became of them later, out of the jobs that take them back.

export type Undo = { state: string; payload?: { import_id?: string } | null };
export type Fate = "taken_back" | "being_taken_back";

const OVER = new Set(["dead", "cancelled"]);

/** Whether an import was taken back, or is just being, by its job. Of several attempts one that is done counts. */
export function fateOf(undos: Undo[]): Map<string, Fate> {
  const fates = new Map<string, Fate>();
  for (const { state, payload } of undos) {
    const id = payload?.import_id;
    if (!id || OVER.has(state)) continue;
    if (state === "done") fates.set(id, "taken_back");
    else if (!fates.has(id)) fates.set(id, "being_taken_back");
  }
  return fates;
}

/** What an import is called: its file, or the source that it was read from; null of an upload without a name. */
export function nameOf(shown: { file?: string | null; source?: string | null } | null | undefined): string | null {
  return shown?.file || shown?.source || null;
}

/** How a file of the shop's own folder is called before it is read; null of one that was sent, which has a name of ours. */
export function fileName(payload: unknown): string | null {
  const path = (payload as { path?: unknown } | null | undefined)?.path;
  if (typeof path !== "string" || path.startsWith("tenants/")) return null;
  return path.split("/").at(-1) || null;
}
