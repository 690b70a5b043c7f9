// Who looks at which ticket and who writes, as the events say; and that this person does, said over the WebSocket.

import { useEffect, useSyncExternalStore } from "react";
import type { DeskEvent } from "../shapes.ts";

export type Person = { agent: string; isTyping: boolean };

/** Both end by an event; when that is lost, by themselves. */
const VIEWING_MS = 60_000;
const TYPING_MS = 10_000;
const TYPING_AGAIN_MS = 3_000;
const RECONNECT_MS = 4_000;

type Until = { viewing: number; typing: number };
const tickets = new Map<string, Map<string, Until>>();
const watchers = new Set<() => void>();
const NOBODY: Person[] = [];
let shown = new Map<string, Person[]>();

export function hear(event: DeskEvent) {
  if (!event.ticket_id || !event.agent_id) return;
  const isOver = event.data.state === "ended";
  const lasts = event.kind === "typing" ? TYPING_MS : VIEWING_MS;
  note(
    event.ticket_id,
    event.agent_id,
    event.kind === "typing" ? "typing" : "viewing",
    isOver ? 0 : Date.now() + lasts,
  );
}

/** What GET /viewers says of a ticket. */
export function learn(ticket: string, people: { agent_id: string; is_typing: boolean }[]) {
  for (const person of people) {
    note(ticket, person.agent_id, "viewing", Date.now() + VIEWING_MS);
    if (person.is_typing) note(ticket, person.agent_id, "typing", Date.now() + TYPING_MS);
  }
}

/** Those who are at a ticket now, without oneself. */
export function useThere(ticket: string, me: string | undefined): Person[] {
  const people = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => shown.get(ticket) ?? NOBODY,
  );
  return me ? people.filter((person) => person.agent !== me) : people;
}

function note(ticket: string, agent: string, what: keyof Until, until: number) {
  const people = tickets.get(ticket) ?? new Map<string, Until>();
  tickets.set(ticket, people);
  const known = people.get(agent) ?? { viewing: 0, typing: 0 };
  known[what] = until;
  people.set(agent, known);
  settle();
}

function settle() {
  const now = Date.now();
  const next = new Map<string, Person[]>();
  for (const [ticket, people] of tickets) {
    const there: Person[] = [];
    for (const [agent, until] of people) {
      if (until.viewing > now || until.typing > now) there.push({ agent, isTyping: until.typing > now });
      else people.delete(agent);
    }
    if (there.length === 0) {
      tickets.delete(ticket);
      continue;
    }
    const before = shown.get(ticket);
    next.set(ticket, before && JSON.stringify(before) === JSON.stringify(there) ? before : there);
  }
  shown = next;
  for (const watcher of watchers) watcher();
}

setInterval(() => tickets.size > 0 && settle(), 5_000);

let socket: WebSocket | undefined;
let looking: string | null = null;
let typedAt = 0;

/** Says that this person looks at the ticket, for as long as the component is there. A program looks at nothing. */
export function useLooking(ticket: string | null, isPerson: boolean) {
  useEffect(() => {
    if (!isPerson) return;
    looking = ticket;
    say({ type: "viewing", ticket_id: ticket });
    return () => {
      looking = null;
      say({ type: "viewing", ticket_id: null });
    };
  }, [ticket, isPerson]);
  useEffect(() => {
    if (!isPerson) return;
    let isOver = false;
    let again: ReturnType<typeof setTimeout> | undefined;
    const connect = () => {
      const opened = new WebSocket(`${window.location.origin.replace(/^http/, "ws")}/ws/agent/me?topics=viewing`);
      socket = opened;
      opened.onopen = () => say({ type: "viewing", ticket_id: looking });
      opened.onclose = () => {
        if (!isOver) again = setTimeout(connect, RECONNECT_MS * (0.5 + Math.random()));
      };
    };
    connect();
    return () => {
      isOver = true;
      clearTimeout(again);
      socket?.close();
      socket = undefined;
    };
  }, [isPerson]);
}

/** Says that this person writes; not with every key. */
export function typing(ticket: string) {
  if (Date.now() - typedAt < TYPING_AGAIN_MS) return;
  typedAt = Date.now();
  say({ type: "typing", ticket_id: ticket });
}

function say(word: unknown) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(word));
}
