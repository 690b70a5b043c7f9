// What a side said of a field, for people.

import { words } from "../../parts/format.ts";
import { TEXTS } from "./texts.ts";

type Side = "ours" | "theirs" | "merged";
type NameOf = (agent: string) => string;

const AGENT = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function said(field: string, value: unknown, side: Side, nameOf: NameOf): string {
  if (field === "assignee" && typeof value === "string" && AGENT.test(value)) return nameOf(value);
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
