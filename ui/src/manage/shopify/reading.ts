// The parts of a reading put together by what they read, and a shop's domain as people type it.

import type { components } from "../../api.d.ts";

export type Part = components["schemas"]["PartView"];

export type Stretch = {
  resource: string;
  state: "waiting" | "running" | "done" | "dropped";
  read: number;
  stored: number;
  unchanged: number;
  refused: number;
  /** How much of the file is read, from 0 to 1; null when that is not known. */
  share: number | null;
  startedAt: string;
  finishedAt: string | null;
};

const ORDER = ["products", "customers", "orders"];

/** One line for products, customers and orders each, in the order in which they are read. */
export function stretches(parts: Part[]): Stretch[] {
  const resources = [...new Set(parts.map((part) => part.resource))];
  resources.sort((one, other) => ORDER.indexOf(one) - ORDER.indexOf(other));
  return resources.map((resource) => {
    const of = parts.filter((part) => part.resource === resource);
    const sum = (figure: (part: Part) => number) => of.reduce((all, part) => all + figure(part), 0);
    const state = stateOf(of);
    const bytes = sum((part) => part.file_bytes ?? 0);
    return {
      resource,
      state,
      read: sum((part) => part.read),
      stored: sum((part) => part.inserted + part.replaced),
      unchanged: sum((part) => part.unchanged + part.older),
      refused: sum((part) => part.refused),
      share: state === "running" && bytes > 0 ? sum((part) => part.file_bytes_read ?? 0) / bytes : null,
      startedAt: of.map((part) => part.started_at).sort()[0] ?? "",
      finishedAt:
        state === "done"
          ? (of
              .map((part) => part.finished_at ?? "")
              .sort()
              .at(-1) ?? null)
          : null,
    };
  });
}

function stateOf(parts: Part[]): Stretch["state"] {
  const has = (state: string) => parts.some((part) => part.state === state);
  if (has("dropped")) return "dropped";
  if (parts.every((part) => part.state === "done")) return "done";
  return has("running") || has("done") ? "running" : "waiting";
}

export function isUnderWay(parts: Part[]): boolean {
  return parts.some((part) => part.state === "running" || part.state === "waiting");
}

type Standing = { status: string; since?: string | null; reading: Part[] };

/** Whether something is about to change: a reading is under way, or one that was asked for after another has not begun. */
export function isMoving(shop: Standing, askedAfter: string | null): boolean {
  if (isUnderWay(shop.reading)) return true;
  if (shop.status !== "connected") return false;
  const begun = shop.reading.map((part) => part.started_at).sort()[0];
  // A shop that was connected is read from its beginning.
  const isFirstToCome = Boolean(shop.since) && (!begun || Date.parse(begun) < Date.parse(shop.since ?? ""));
  return isFirstToCome || (askedAfter !== null && runOf(shop.reading) === askedAfter);
}

/** What tells one reading from another; of none an empty text. */
export function runOf(parts: Part[]): string {
  return parts[0]?.run_id ?? "";
}

/** `Corner-Records`, `corner-records.myshopify.com` or its address as one domain; null for what is none. */
export function domainOf(typed: string): string | null {
  const host = typed
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/[/?#].*$/, "");
  const name = host.replace(/\.myshopify\.com$/, "");
  return /^[a-z0-9][a-z0-9-]{0,59}$/.test(name) ? `${name}.myshopify.com` : null;
}
