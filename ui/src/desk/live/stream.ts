// The events of the desk in this tab. Whoever listens is told after the subscription stands, so that what is loaded then
// misses nothing. The connection itself is the shared worker's; where a browser has no such worker, this tab's own.

import { useEffect, useSyncExternalStore } from "react";
import { type Link, Source, type Told } from "./source.ts";
import type { FromTab, ToTab } from "./worker.ts";

export type { Link, Told } from "./source.ts";

/** `start` again says whether somebody is at the desk in this tab. */
type Way = { start: (isThere: boolean) => void; stop: () => void };

/** Who listens, and whether they are at the desk. */
const listeners = new Map<(told: Told) => void, boolean>();
const watchers = new Set<() => void>();
let link: Link = { state: "catching-up", since: Date.now() };
let way: Way | undefined;
let isAlone = false;

/** Told of every event while the component is there. Whose screen is none of the desk only listens: no ticket is given to
 * a person for it. */
export function useEvents(listener: (told: Told) => void, isThere = true) {
  useEffect(() => {
    listeners.set(listener, isThere);
    begin();
    if (listeners.size > 1) tellWhenLive(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) end();
      else begin();
    };
  }, [listener, isThere]);
}

export function useLink(): Link {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => link,
  );
}

const isAnyThere = () => [...listeners.values()].includes(true);

function begin() {
  way ??= shared() ?? own();
  way.start(isAnyThere());
}

function end() {
  way?.stop();
  link = { state: "catching-up", since: Date.now() };
}

/** A second listener on a screen missed the word to load that the first one had. */
function tellWhenLive(listener: (told: Told) => void) {
  if (link.state === "live") listener({ kind: "reload" });
}

function shared(): Way | undefined {
  if (typeof SharedWorker === "undefined") return undefined;
  try {
    const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: "deskwork" });
    const say = (word: FromTab) => worker.port.postMessage(word);
    worker.port.onmessage = ({ data }: MessageEvent<ToTab>) => {
      if ("isBarred" in data) return alone();
      if (isAlone || listeners.size === 0) return;
      if ("link" in data) become(data.link);
      else tell(data.told);
    };
    // The script of a worker that cannot be loaded, after a new version for example.
    worker.onerror = alone;
    // A page that is put aside may come back; until then it counts for nobody.
    window.addEventListener("pagehide", () => say("bye"));
    const start = (isThere: boolean) => say(isThere ? "there" : "listening");
    window.addEventListener("pageshow", (event) => event.persisted && listeners.size > 0 && start(isAnyThere()));
    return { start, stop: () => say("bye") };
  } catch {
    return undefined;
  }
}

/** The worker is of no use: this tab goes on by itself. */
function alone() {
  if (isAlone) return;
  isAlone = true;
  way = own();
  if (listeners.size > 0) way.start(isAnyThere());
}

function own(): Way {
  const source = new Source({ told: tell, link: become });
  return { start: (isThere) => source.start(isThere), stop: () => source.stop() };
}

function tell(told: Told) {
  for (const listener of [...listeners.keys()]) listener(told);
}

function become(next: Link) {
  link = next;
  for (const watcher of watchers) watcher();
}
