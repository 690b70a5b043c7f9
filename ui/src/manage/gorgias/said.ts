// What a side said of a field, for people.

import { words } from "../../parts/format.ts";
import { TEXTS } from "./texts.ts";

export function said(field: string, value: unknown, side: "ours" | "theirs" | "merged"): string {
  // Of messages it is counted how many were missing here.
  if (field === "messages" && typeof value === "number") {
    if (side === "ours") return "–";
    return side === "theirs" ? `${value} more` : `${value} taken over`;
  }
  if (value === null || value === undefined) return TEXTS.nothing;
  if (Array.isArray(value)) return value.length === 0 ? TEXTS.nothing : value.map(String).join(", ");
  if (typeof value === "string") return field === "status" ? words(value) : value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
