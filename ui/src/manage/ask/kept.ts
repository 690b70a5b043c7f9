// What a person has typed and not asked yet, the jobs that answer, and which conversation was the last: in the tab's
// storage, so that a reload loses none of it. Whoever signs in next in this tab does not find another person's.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { sessionQuery } from "../../shell/session.ts";

const PREFIX = "deskwork.ask";

/** The text for a conversation; another conversation has another one. */
export function useKeptText(conversation: string | undefined): [string, (text: string) => void] {
  const name = `${PREFIX}.text.${useWho()}.${conversation ?? "new"}`;
  const [typed, setTyped] = useState({ name, text: sessionStorage.getItem(name) ?? "" });
  const text = typed.name === name ? typed.text : (sessionStorage.getItem(name) ?? "");
  const write = (next: string) => {
    keep(name, next);
    setTyped({ name, text: next });
  };
  return [text, write];
}

/** The last conversation of this tab, to come back to from elsewhere. */
export function useLastConversation(): [string | null, (conversation: string | null) => void] {
  const name = `${PREFIX}.last.${useWho()}`;
  return [sessionStorage.getItem(name), (conversation) => keep(name, conversation ?? "")];
}

export function keepJob(exchange: string, job: string | null) {
  keep(`${PREFIX}.job.${exchange}`, job ?? "");
}

/** The job that answers; none when the question was asked in another tab. */
export function jobOf(exchange: string): string | null {
  return sessionStorage.getItem(`${PREFIX}.job.${exchange}`);
}

function useWho(): string {
  return useQuery(sessionQuery).data?.name ?? "";
}

function keep(name: string, text: string) {
  if (text === "") sessionStorage.removeItem(name);
  else sessionStorage.setItem(name, text);
}
