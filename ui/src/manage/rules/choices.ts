// Values to choose from, in conditions and acts. What was chosen once and is not there any more stays visible and is flagged.

import { words } from "../../parts/format.ts";
import { CHANGED, VALUES } from "./texts.ts";

export type Choice = { value: string; label: string };

/** Anything else may be typed as well where the list is open. */
export type Choices = { list: Choice[]; isOpen: boolean };

/** The value as the list has it: case counts for nothing, and what was stored is in lower case. */
export function asListed({ list }: Choices, value: string): string {
  return list.find((choice) => choice.value.toLowerCase() === value.toLowerCase())?.value ?? value;
}

/** Those of the values that the list does not have. */
export function unknown({ list }: Choices, values: string[]): string[] {
  const known = new Set(list.map((choice) => choice.value.toLowerCase()));
  return values.filter((value) => value !== "" && !known.has(value.toLowerCase()));
}

/** What is offered: the list, and what stands there and is in no list. */
export function offered(choices: Choices, values: string[]): Choice[] {
  return [...choices.list, ...unknown(choices, values).map((value) => ({ value, label: `${value} (gone)` }))];
}

export const named = (value: string): Choice => ({ value, label: VALUES[value] ?? words(value) });
export const asItIs = (value: string): Choice => ({ value, label: value });
export const change = (value: string): Choice => ({ value, label: CHANGED[value] ?? words(value) });
