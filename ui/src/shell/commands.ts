// What the palette offers beside screens: what can be done on the screen that is shown.

import { useEffect, useRef, useSyncExternalStore } from "react";

export type Command = { id: string; name: string; note: string; run: () => void };

let commands: Command[] = [];
const listeners = new Set<() => void>();

/** The screen offers it while it is shown; null when it may not be done. */
export function useCommand(command: Command | null) {
  const latest = useRef(command);
  latest.current = command;
  const { id, name, note } = command ?? {};
  useEffect(() => {
    if (id === undefined || name === undefined || note === undefined) return;
    const own: Command = { id, name, note, run: () => latest.current?.run() };
    change([...commands, own]);
    return () => change(commands.filter((each) => each !== own));
  }, [id, name, note]);
}

export function useCommands(): Command[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => commands,
  );
}

function change(next: Command[]) {
  commands = next;
  for (const listener of listeners) listener();
}
