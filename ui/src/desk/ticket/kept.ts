// What a person writes and has not sent: in the tab's storage with every key, and with the server a moment later, so that
// neither a reload nor the end of a session loses it.

import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { client } from "../../api/client.ts";
import { sessionQuery } from "../../shell/session.ts";
import { ifMatch, Refusal, told } from "../calls.ts";
import { nameOf, read, type Stored } from "./stored.ts";

const WAIT_MS = 700;

export type KeptState = "kept" | "keeping" | "not-kept" | "none";

export type Kept = {
  text: string;
  state: KeptState;
  /** Another window's text for the same ticket. */
  other: string | null;
  write: (text: string) => void;
  takeOther: () => void;
  keepThis: () => void;
  /** The server kept the text itself, with a refusal: this is its version. */
  adopt: (version: number) => void;
  /** It was sent, or thrown away: nothing is left of it. */
  clear: (isGone: boolean) => void;
};

/** `server` is what the API had when the ticket was opened; undefined while it is not known. */
export function useKept(
  ticket: string,
  server: { body_text: string; version: number } | null | undefined,
  lastSeen: string | null,
): Kept {
  const who = useQuery(sessionQuery).data?.name ?? "";
  const name = nameOf(who, ticket);
  const [text, setText] = useState(() => read(name)?.text ?? "");
  const [state, setState] = useState<KeptState>("none");
  const [other, setOther] = useState<string | null>(null);
  const version = useRef<number | null>(read(name)?.version ?? null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const turn = useRef<Promise<unknown>>(Promise.resolve());
  const isAdopted = useRef(false);
  const seen = useRef(lastSeen);
  seen.current = lastSeen;

  const store = useCallback(
    (value: string, isKept: boolean) => {
      if (value === "") sessionStorage.removeItem(name);
      else
        sessionStorage.setItem(
          name,
          JSON.stringify({ text: value, version: version.current, isKept } satisfies Stored),
        );
    },
    [name],
  );

  const keep = useCallback(
    (value: string) => {
      turn.current = turn.current.then(async () => {
        try {
          if (value === "") {
            if (version.current === null) return;
            const header = ifMatch(version.current);
            await told(client.DELETE("/api/tickets/{id}/reply-text", { params: { path: { id: ticket }, header } }));
            version.current = null;
            setState("none");
            return;
          }
          const header = version.current === null ? {} : ifMatch(version.current);
          const kept = await told(
            client.PUT("/api/tickets/{id}/reply-text", {
              params: { path: { id: ticket }, header },
              body: { text: value, last_seen_message_id: seen.current },
            }),
          );
          version.current = kept.version;
          store(value, true);
          setState("kept");
        } catch (error) {
          if (error instanceof Refusal && error.status === 412) {
            const current = error.document.current as { text?: string; version?: number } | null | undefined;
            version.current = current?.version ?? null;
            if (current?.text && current.text !== value) setOther(current.text);
          }
          setState("not-kept");
        }
      });
    },
    [ticket, store],
  );

  const later = useCallback(
    (value: string) => {
      clearTimeout(timer.current);
      setState("keeping");
      timer.current = setTimeout(() => keep(value), WAIT_MS);
    },
    [keep],
  );

  // Once, when it is known what the server has: what this tab had written and not yet handed over goes first.
  useEffect(() => {
    if (server === undefined || isAdopted.current) return;
    isAdopted.current = true;
    const local = read(name);
    const isNewer = local !== null && !local.isKept && local.text !== "";
    if (isNewer && local.text !== server?.body_text) {
      if (server && local.version !== server.version) setOther(server.body_text);
      version.current = server?.version ?? null;
      later(local.text);
      return;
    }
    version.current = server?.version ?? null;
    const known = server?.body_text ?? "";
    setText((typed) => typed || known);
    if (server) {
      store(known, true);
      setState("kept");
    }
  }, [server, name, later, store]);

  useEffect(() => () => clearTimeout(timer.current), []);

  const write = (value: string) => {
    setText(value);
    store(value, false);
    later(value);
  };
  return {
    text,
    state,
    other,
    write,
    takeOther: () => {
      if (other !== null) write(other);
      setOther(null);
    },
    keepThis: () => {
      setOther(null);
      keep(text);
    },
    adopt: (known) => {
      clearTimeout(timer.current);
      version.current = known;
      store(text, true);
      setState("kept");
    },
    clear: (isGone) => {
      clearTimeout(timer.current);
      if (isGone) version.current = null;
      setText("");
      setState("none");
      sessionStorage.removeItem(name);
    },
  };
}
