// Rows that do not move under the cursor: what is in a row is always new, which rows there are and in which order
// changes when the person says so.

import { useState } from "react";

type Named = { id: string };
type Frozen<T> = { key: string; ids: string[]; known: Map<string, T> };

export type Shown<T> = { rows: { row: T; isGone: boolean }[]; changed: number; apply: () => void };

/** `key` names the list: another list, or more of it, is shown at once. `latest` is undefined while it is not loaded. */
export function useFrozen<T extends Named>(key: string, latest: T[] | undefined): Shown<T> {
  const [frozen, setFrozen] = useState<Frozen<T> | null>(null);
  const taken = latest && freeze(key, latest);
  if (taken && frozen?.key !== key) setFrozen(taken);
  const shown = frozen?.key === key ? frozen : taken;
  if (!shown || !latest) return { rows: [], changed: 0, apply: () => undefined };
  const now = new Map(latest.map((row) => [row.id, row]));
  for (const [id, row] of now) if (shown.known.has(id)) shown.known.set(id, row);
  const rows = shown.ids.flatMap((id) => {
    const row = shown.known.get(id);
    return row ? [{ row, isGone: !now.has(id) }] : [];
  });
  return { rows, changed: difference(shown.ids, [...now.keys()]), apply: () => setFrozen(freeze(key, latest)) };
}

function freeze<T extends Named>(key: string, rows: T[]): Frozen<T> {
  return { key, ids: rows.map((row) => row.id), known: new Map(rows.map((row) => [row.id, row])) };
}

/** How many rows came, went or stand elsewhere: the fewest that have to move. */
export function difference(before: string[], after: string[]): number {
  const old = new Map(before.map((id, place) => [id, place]));
  const now = new Set(after);
  const came = after.filter((id) => !old.has(id)).length;
  const went = before.filter((id) => !now.has(id)).length;
  const stayed = after.flatMap((id) => old.get(id) ?? []);
  return came + went + (stayed.length - rising(stayed));
}

/** The length of the longest rising part. */
function rising(places: number[]): number {
  const ends: number[] = [];
  for (const place of places) {
    const at = ends.findIndex((end) => end >= place);
    if (at < 0) ends.push(place);
    else ends[at] = place;
  }
  return ends.length;
}
