// A rule while it is typed. Conditions are a list, all or any of which must hold; a tree that stands deeper is kept as text.

import type { Action, Field, OwnField, Rule, RuleBody, Tree, Words } from "./calls.ts";

export type Line = { key: number; field: string; op: string; value: string | string[] };
export type Conditions = { kind: "list"; match: "all" | "any"; lines: Line[] } | { kind: "text"; text: string };
export type TypedAction = { key: number; action: Action };

export type Form = {
  name: string;
  event: string;
  after: string;
  holds: Conditions;
  unless: Conditions;
  actions: TypedAction[];
  budget: number;
};

const NO_VALUE = ["is_set", "is_not_set"];
const SEVERAL = ["one_of", "none_of", "all_of", "contains", "contains_not"];

export function formOf(known: Rule | null): Form {
  return {
    name: known?.name ?? "",
    event: known?.event ?? "message_received",
    after: known?.after_minutes ? String(known.after_minutes) : "",
    holds: readTree(known?.conditions ?? { all: [] }),
    unless: readTree(known?.unless ?? { any: [] }),
    actions: (known?.actions ?? [{ do: "add_tags", tags: [] }]).map((action, key) => ({ key, action })),
    budget: known?.hourly_budget ?? 10,
  };
}

/** What can be sent; null while something cannot be read. */
export function bodyOf(form: Form, fields: Field[]): RuleBody | null {
  const holds = writeTree(form.holds, fields);
  const unless = writeTree(form.unless, fields);
  if (form.name.trim() === "" || holds === undefined || unless === undefined || form.actions.length === 0) return null;
  return {
    name: form.name.trim(),
    event: form.event,
    after_minutes: form.after === "" ? null : Number(form.after),
    conditions: holds,
    unless: isEmpty(unless) ? null : unless,
    actions: form.actions.map(({ action }) => action),
    hourly_budget: form.budget,
  };
}

export function readTree(tree: Tree): Conditions {
  const match = "all" in tree ? "all" : "any" in tree ? "any" : null;
  const parts = "all" in tree ? tree.all : "any" in tree ? tree.any : [tree];
  const lines: Line[] = [];
  for (const [key, part] of parts.entries()) {
    if (!("field" in part)) return { kind: "text", text: JSON.stringify(tree, null, 2) };
    lines.push({ key, field: part.field, op: part.op, value: written(part.value) });
  }
  return { kind: "list", match: match ?? "all", lines };
}

export function writeTree(conditions: Conditions, fields: Field[]): Tree | undefined {
  if (conditions.kind === "text") {
    try {
      return JSON.parse(conditions.text) as Tree;
    } catch {
      return undefined;
    }
  }
  const parts: Tree[] = [];
  for (const line of conditions.lines) {
    const kind = fields.find((field) => field.name === line.field)?.kind ?? "word";
    const value = toBeSent(line, kind);
    if (value === undefined) return undefined;
    parts.push({ field: line.field, op: line.op, ...(value === null ? {} : { value }) });
  }
  return conditions.match === "all" ? { all: parts } : { any: parts };
}

/** Null where none is needed, undefined while one is missing. */
function toBeSent({ op, value: typed }: Line, kind: string): unknown {
  if (NO_VALUE.includes(op)) return null;
  const value = fitting(op, typed);
  if (Array.isArray(value)) return value.length > 0 ? value : undefined;
  const text = value.trim();
  if (kind === "flag") return text !== "no";
  if (text === "") return undefined;
  if (kind !== "number") return text;
  const number = Number(text.replace(",", "."));
  return Number.isFinite(number) ? number : undefined;
}

function takesSeveral(op: string): boolean {
  return SEVERAL.includes(op);
}

/** A value as a comparison takes it: several, or one. */
export function fitting(op: string, value: string | string[]): string | string[] {
  const all = (Array.isArray(value) ? value : [value]).map((one) => one.trim()).filter(Boolean);
  return takesSeveral(op) ? all : (all[0] ?? "");
}

function written(value: unknown): string | string[] {
  if (Array.isArray(value)) return value.map(String);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return value === undefined || value === null ? "" : String(value);
}

const KINDS: Record<string, string> = { number: "number", boolean: "flag" };

/** The fields of conditions, the shop's own behind the others. */
export function allFields(vocabulary: Words): Field[] {
  const own = ({ name, kind, choices, label }: OwnField) => ({
    name,
    kind: KINDS[kind] ?? "word",
    choices,
    about: label,
  });
  return [...vocabulary.fields, ...vocabulary.own_fields.map(own)];
}

/** How a field can be compared. */
export function comparisons(vocabulary: Words, field: Field | undefined): string[] {
  const byKind = vocabulary.comparisons[field?.kind ?? "word"] ?? [];
  if (!field?.name.startsWith("custom.")) return byKind;
  const own = vocabulary.comparisons.own ?? [];
  return byKind.filter((op) => own.includes(op));
}

function isEmpty(tree: Tree): boolean {
  return ("all" in tree && tree.all.length === 0) || ("any" in tree && tree.any.length === 0);
}
