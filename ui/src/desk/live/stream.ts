// The one stream of events of this tab. Whoever listens is told after the subscription stands, so that what is loaded
// then misses nothing; after a cut it goes on from the last number, and `reset` asks for everything anew.

import { useEffect, useSyncExternalStore } from "react";
import { withSession } from "../../api/renew.ts";
import type { DeskEvent } from "../shapes.ts";

export type Link = { state: "live" | "catching-up" | "stale"; since: number };
export type Told = { kind: "event"; event: DeskEvent } | { kind: "reload" };

const TOPICS = [
  "new_ticket",
  "ticket_update",
  "reply_sent",
  "reply_failed",
  "ticket_rated",
  "sla_warning",
  "sla_breach",
  "agent_status",
  "waiting_queue",
  "job_done",
  "typing",
  "viewing",
];

/** After so long without a connection what is shown is called stale. */
const STALE_MS = 8_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;

const listeners = new Set<(told: Told) => void>();
const watchers = new Set<() => void>();
let link: Link = { state: "catching-up", since: Date.now() };
let source: EventSource | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let grow: ReturnType<typeof setTimeout> | undefined;
let last: string | null = null;
let failures = 0;

/** Told of every event while the component is there. */
export function useEvents(listener: (told: Told) => void) {
  useEffect(() => {
    listeners.add(listener);
    if (listeners.size === 1) connect();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) end();
    };
  }, [listener]);
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

function connect() {
  clearTimeout(retry);
  source?.close();
  const opened = new EventSource(last === null ? "/api/events" : `/api/events?after=${last}`);
  source = opened;
  opened.onopen = () => {
    failures = 0;
    become("live");
    // Without a number nothing is known of the time before: load after the subscription stands.
    if (last === null) tell({ kind: "reload" });
  };
  for (const topic of TOPICS) {
    opened.addEventListener(topic, (message) => {
      const event = parse(message.data);
      if (!event) return;
      if (message.lastEventId) last = message.lastEventId;
      tell({ kind: "event", event });
    });
  }
  opened.addEventListener("reset", (message) => {
    const id = (JSON.parse(message.data) as { id?: number }).id;
    last = id === undefined ? null : String(id);
    tell({ kind: "reload" });
  });
  // The server ends it: too slow, restarting, or the session is over. It says from where to go on by the last number.
  opened.addEventListener("end", () => again(opened));
  opened.onerror = () => {
    become("catching-up");
    // A refusal closes it for good, and then the browser does not try again by itself.
    if (opened.readyState === EventSource.CLOSED) again(opened);
  };
}

function again(failed: EventSource) {
  if (source !== failed) return;
  failed.close();
  become("catching-up");
  failures += 1;
  const wait = Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS) * (0.5 + Math.random());
  clearTimeout(retry);
  retry = setTimeout(() => {
    // The stream cannot renew a session by itself; a request can.
    void withSession(() => fetch("/api/auth/session"))
      .catch(() => undefined)
      .then(() => {
        if (listeners.size > 0) connect();
      });
  }, wait);
}

function end() {
  clearTimeout(retry);
  clearTimeout(grow);
  source?.close();
  source = undefined;
  // What happens while nobody listens is loaded anew the next time.
  last = null;
  link = { state: "catching-up", since: Date.now() };
}

function tell(told: Told) {
  for (const listener of [...listeners]) listener(told);
}

function become(state: Link["state"]) {
  if (state === link.state || (state === "catching-up" && link.state === "stale")) return;
  link = { state, since: Date.now() };
  clearTimeout(grow);
  if (state === "catching-up") grow = setTimeout(() => become("stale"), STALE_MS);
  for (const watcher of watchers) watcher();
}

function parse(text: string): DeskEvent | null {
  try {
    return JSON.parse(text) as DeskEvent;
  } catch {
    return null;
  }
}
