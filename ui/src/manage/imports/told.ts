// What a preview, or the refusal of one, tells of a file's columns and of what is open.

import { Problem } from "../../api/problem.ts";
import type { Preview } from "./calls.ts";
import { labelOf } from "./meanings.ts";
import { type Field, isField, wanted } from "./reading.ts";

export type ColumnTold = { name: string; meaning: string | null };

/** The columns that a mapping can name, each once; null where nothing is told of them. */
export function columnsOf(preview: Preview | undefined, error: unknown): ColumnTold[] | null {
  if (preview) {
    const given = new Set<string>();
    return named(preview.columns).map(({ name, meaning, role }) => {
      // A mapping gives each meaning once.
      if (role !== "read" || !meaning || given.has(meaning)) return { name, meaning: null };
      given.add(meaning);
      return { name, meaning };
    });
  }
  const names = lacking(error) && (error as Problem).document.columns;
  if (!Array.isArray(names)) return null;
  return named(names.map((name) => ({ name: String(name), meaning: null })));
}

function named<T extends { name: string }>(columns: T[]): T[] {
  const all = columns.map((column) => column.name);
  return columns.filter(({ name }) => name.trim() !== "" && all.indexOf(name) === all.lastIndexOf(name));
}

/** What no column is understood as, in words; null where that is not what is wrong. */
export function lacking(error: unknown): string[] | null {
  if (!(error instanceof Problem)) return null;
  const what = error.document.missing;
  return Array.isArray(what) ? what.map((meaning) => labelOf(String(meaning)).toLowerCase()) : null;
}

/** The fields that would say what the file leaves open. */
export function askedOf(preview: Preview | undefined, error: unknown): Set<Field> {
  if (preview) return wanted([preview.problem ?? "", ...messages(preview)]);
  if (!(error instanceof Problem) || lacking(error)) return new Set();
  const asked = wanted([error.message]);
  if (isField(error.field)) asked.add(error.field);
  return asked;
}

function messages(preview: Preview): string[] {
  return [...preview.left_out, ...preview.remarks].map((reason) => reason.message);
}
