// Listens for single keys and hands them to whoever on the screen does the action.

import { useEffect, useRef, useSyncExternalStore } from "react";
import { type Action, DEFAULTS, type Keymap, match } from "./actions.ts";

type Handlers = Partial<Record<Action, () => void>>;
type Settings = { isOn: boolean; keymap: Keymap };

const STORED = "deskwork.keys";
const PATIENCE_MS = 1_200;

const handlers: Handlers[] = [];
const listeners = new Set<() => void>();
let settings = read();
let pressed: string[] = [];
let last = 0;

/** The screen does these actions while it is shown; a later one goes before an earlier one. */
export function useKeys(own: Handlers) {
  const latest = useRef(own);
  latest.current = own;
  useEffect(() => {
    const entry: Handlers = {};
    for (const action of Object.keys(latest.current) as Action[]) entry[action] = () => latest.current[action]?.();
    handlers.push(entry);
    return () => {
      handlers.splice(handlers.indexOf(entry), 1);
    };
  }, []);
}

export function useKeySettings(): [Settings, (next: Settings) => void] {
  const current = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => settings,
  );
  return [current, write];
}

/** Starts listening; answers how to stop. */
export function listen(): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (!settings.isOn || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key.length !== 1 || document.querySelector("[role=dialog]")) return;
    const now = Date.now();
    pressed = now - last > PATIENCE_MS ? [event.key] : [...pressed, event.key].slice(-2);
    last = now;
    const found = match(settings.keymap, pressed) ?? match(settings.keymap, [event.key]);
    if (found === null || found === "begun") {
      if (found === "begun") pressed = [event.key];
      return;
    }
    pressed = [];
    const handler = handlers.findLast((entry) => entry[found.action])?.[found.action];
    if (handler) {
      event.preventDefault();
      handler();
    }
  };
  window.addEventListener("keydown", onKey);
  return () => window.removeEventListener("keydown", onKey);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

function read(): Settings {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) ?? "{}");
    return { isOn: stored.isOn !== false, keymap: { ...DEFAULTS, ...stored.keymap } };
  } catch {
    return { isOn: true, keymap: DEFAULTS };
  }
}

function write(next: Settings) {
  settings = next;
  localStorage.setItem(STORED, JSON.stringify(next));
  for (const listener of listeners) listener();
}
