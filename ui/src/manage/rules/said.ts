// What was done, or would have been, in a line.

import { ACTIONS } from "./texts.ts";

export function actionsInWords(actions: unknown): string {
  if (!Array.isArray(actions)) return "–";
  return actions.map(one).join("; ") || "nothing";
}

function one(entry: unknown): string {
  const record = typeof entry === "object" && entry !== null ? (entry as Record<string, unknown>) : {};
  const nested = typeof record.action === "object" && record.action !== null ? record.action : record;
  const { do: name, ...rest } = nested as { do?: string } & Record<string, unknown>;
  const values = Object.values(rest).filter((value) => typeof value === "string" || Array.isArray(value));
  const outcome = typeof record.outcome === "string" ? ` – ${record.outcome}` : "";
  return `${ACTIONS[name ?? ""]?.name ?? name ?? "?"}${values.length ? `: ${values.flat().join(", ")}` : ""}${outcome}`;
}
