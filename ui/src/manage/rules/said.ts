// What was done, or would have been, and why: in lines for people.

import { count, duration, words } from "../../parts/format.ts";
import { named } from "./choices.ts";
import { ACTIONS, FIELDS, OPS } from "./texts.ts";

/** Names of people and macros by their ids. */
export type Names = (id: string) => string | undefined;

const UNNAMED: Names = () => undefined;

export function actionsInWords(actions: unknown, names: Names = UNNAMED): string {
  if (!Array.isArray(actions)) return "–";
  return actions.map((entry) => one(entry, names)).join("; ") || "nothing";
}

function one(entry: unknown, names: Names): string {
  const record = isRecord(entry) ? entry : {};
  const nested = isRecord(record.action) ? record.action : record;
  const { do: name, ...rest } = nested as { do?: string } & Record<string, unknown>;
  const act = ACTIONS[name ?? ""];
  // Only what the act needs to know: what came of it stands beside, under names of its own.
  const values = (act?.needs ?? []).flatMap((need) => value(need.kind, rest[need.name], names));
  const outcome = typeof record.outcome === "string" ? ` – ${words(record.outcome).toLowerCase()}` : "";
  return `${act?.name ?? words(name ?? "?")}${values.length ? `: ${values.join(", ")}` : ""}${outcome}`;
}

function value(kind: string, given: unknown, names: Names): string[] {
  if (given === null || given === undefined || given === "") return [];
  if (Array.isArray(given)) return given.map(String);
  if (kind === "number") return [duration(Number(given) * 60)];
  if (kind === "priority" || kind === "status") return [named(String(given)).label.toLowerCase()];
  return [names(String(given)) ?? String(given)];
}

export type Finding = { says: string; holds: boolean };

/** Every condition that was looked at, with what it found. */
export function findingsInWords(results: unknown, names: Names = UNNAMED): Finding[] {
  if (!Array.isArray(results)) return [];
  return results.filter(isRecord).map((found) => {
    const field = String(found.field ?? "");
    const name = field.startsWith("custom.") ? words(field.slice(7)) : (FIELDS[field] ?? words(field));
    const asked = found.value === null || found.value === undefined ? "" : ` ${shown(found.value, names)}`;
    const op = OPS[String(found.op)] ?? words(String(found.op ?? "")).toLowerCase();
    return { says: `${name} ${op}${asked}; it was ${shown(found.was, names)}`, holds: found.holds === true };
  });
}

function shown(given: unknown, names: Names): string {
  if (given === null || given === undefined || given === "") return "not known";
  if (Array.isArray(given)) return given.length ? given.map((each) => shown(each, names)).join(", ") : "nothing";
  if (typeof given === "boolean") return given ? "yes" : "no";
  if (typeof given === "number") return Number.isInteger(given) ? count(given) : String(Math.round(given * 100) / 100);
  if (isRecord(given))
    return Object.values(given)
      .map((each) => shown(each, names))
      .join(", ");
  const text = String(given);
  return names(text) ?? text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
