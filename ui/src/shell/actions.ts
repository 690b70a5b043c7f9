// What single keys do. Every one can be given another key or be switched off with the rest; none works while a person
// types, and none is the only way to anything.

export const ACTIONS = {
  help: { name: "Show the keys", key: "?" },
  refresh: { name: "Refresh the figures", key: "R" },
  next: { name: "Next row", key: "j" },
  previous: { name: "Previous row", key: "k" },
  reply: { name: "Reply to the customer", key: "r" },
  note: { name: "Write a note", key: "n" },
  macro: { name: "Use a macro", key: "m" },
  draft: { name: "Show the draft, or fold it away", key: "d" },
  claim: { name: "Take the ticket", key: "a" },
  resolve: { name: "Resolve the ticket, or open it again", key: "e" },
  snooze: { name: "Let the ticket sleep", key: "s" },
  transfer: { name: "Hand the ticket on", key: "t" },
  leave: { name: "Back to the queue", key: "u" },
  apply: { name: "Show what changed in the queue", key: "." },
  find: { name: "Search all tickets", key: "/" },
  compose: { name: "Make a ticket", key: "c" },
  tickets: { name: "Go to the tickets", key: "g t" },
  live: { name: "Go to the live desk", key: "g l" },
  promises: { name: "Go to promises", key: "g p" },
  people: { name: "Go to people", key: "g a" },
  queues: { name: "Go to queues", key: "g q" },
  jobs: { name: "Go to jobs", key: "g j" },
  dead: { name: "Go to dead letters", key: "g d" },
  schedules: { name: "Go to schedules", key: "g s" },
  workers: { name: "Go to workers", key: "g w" },
  ask: { name: "Ask the shop", key: "g k" },
  customers: { name: "Go to customers", key: "g c" },
  segments: { name: "Go to segments", key: "g m" },
  imports: { name: "Go to imports", key: "g i" },
} as const;

export type Action = keyof typeof ACTIONS;
export type Keymap = Record<Action, string>;

export const DEFAULTS = Object.fromEntries(Object.entries(ACTIONS).map(([action, { key }]) => [action, key])) as Keymap;

/** What is pressed after what was pressed before: an action, the beginning of one, or nothing. */
export function match(keymap: Keymap, pressed: string[]): { action: Action } | "begun" | null {
  const text = pressed.join(" ");
  const entries = Object.entries(keymap) as [Action, string][];
  const found = entries.find(([, key]) => key !== "" && key === text);
  if (found) return { action: found[0] };
  return entries.some(([, key]) => key.startsWith(`${text} `)) ? "begun" : null;
}

/** What is wrong with a key for an action, in words; null when it can be used. */
export function clash(keymap: Keymap, action: Action, key: string): string | null {
  if (key === "") return null;
  if (!/^\S( \S)?$/.test(key)) return "One key, or two with a space between";
  const other = (Object.entries(keymap) as [Action, string][]).find(
    ([name, taken]) =>
      name !== action && taken !== "" && (taken === key || taken.startsWith(`${key} `) || key.startsWith(`${taken} `)),
  );
  return other ? `Clashes with “${ACTIONS[other[0]].name}”` : null;
}
