// What a tab keeps of a text that is being written and not sent, by person and ticket.

import { below } from "../macros/words.ts";

export type Stored = { text: string; version: number | null; isKept: boolean };

/** Whoever signs in next in this tab does not find another person's text. */
export function nameOf(who: string, ticket: string): string {
  return `deskwork.reply.${who}.${ticket}`;
}

export function read(name: string): Stored | null {
  try {
    const stored = sessionStorage.getItem(name);
    return stored ? (JSON.parse(stored) as Stored) : null;
  } catch {
    return null;
  }
}

/** A text goes along to another ticket, below what is written there; the server has it when that is opened. */
export function carry(who: string, ticket: string, text: string) {
  const name = nameOf(who, ticket);
  sessionStorage.setItem(name, JSON.stringify(withCarried(read(name), text)));
}

export function withCarried(there: Stored | null, text: string): Stored {
  return { text: below(there?.text ?? "", text), version: there?.version ?? null, isKept: false };
}
