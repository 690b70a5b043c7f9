// Who is signed in, and what they may see. The session itself is a cookie that no script can read.

import { queryOptions } from "@tanstack/react-query";
import { Problem, refused, unanswered } from "../api/problem.ts";
import { forgetMark, mayHaveSession, withSession } from "../api/renew.ts";

export type Session = {
  /** The person, also as an agent; a key is nobody. */
  id: string | null;
  name: string;
  role: string;
  permissions: string[];
  /** A key is at work: an operator at the console, or whoever develops. It is nobody's seat at the desk. */
  isKey: boolean;
};

/** Says that this browser signed in as an operator, so that it asks for the right thing first. */
const AT_CONSOLE = "deskwork.console";

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => load(signal),
  staleTime: 60_000,
  retry: false,
});

export function may(session: Session | undefined, permission: string | null): boolean {
  if (permission === null) return true;
  const known = session?.permissions ?? [];
  return known.includes(permission) || known.includes("operator");
}

export async function signIn(form: { tenant: string; email: string; password: string }): Promise<void> {
  await call("POST", "/api/auth/login", { ...form, cookie: true });
  localStorage.removeItem(AT_CONSOLE);
}

/** As an operator: the key is exchanged for a cookie and kept nowhere. */
export async function signInWithKey(key: string): Promise<void> {
  await call("POST", "/api/auth/console", { key });
  localStorage.setItem(AT_CONSOLE, "yes");
}

export async function signOut(): Promise<void> {
  const atConsole = localStorage.getItem(AT_CONSOLE) !== null;
  localStorage.removeItem(AT_CONSOLE);
  if (atConsole) await call("DELETE", "/api/auth/console");
  else await call("POST", "/api/auth/logout", {});
}

/** Asks for a link by mail. The answer is the same whoever asks. */
export async function askForLink(form: { tenant: string; email: string }): Promise<void> {
  await call("POST", "/api/auth/password/forgot", form);
}

/** By a link that somebody handed over: the first password, or another one. */
export async function choosePassword(purpose: "invitation" | "reset", token: string, password: string): Promise<void> {
  const path = purpose === "invitation" ? "/api/auth/invitations/accept" : "/api/auth/password/reset";
  await call("POST", path, { token, password });
}

/** One's own. It ends every session, this one too. */
export async function changePassword(current: string, password: string): Promise<void> {
  await call("POST", "/api/auth/password/change", { current, password });
}

async function load(signal: AbortSignal): Promise<Session> {
  if (!mayHaveSession()) throw new Problem("signed-out", "");
  const ofPerson = async () => read(await call("GET", "/api/auth/session", undefined, signal));
  const ofKey = async () => read(await call("GET", "/api/auth/console", undefined, signal));
  const [first, other] = localStorage.getItem(AT_CONSOLE) === null ? [ofPerson, ofKey] : [ofKey, ofPerson];
  try {
    return await first();
  } catch (error) {
    // The other kind is signed in: a key that the proxy of `make ui` adds, or a person who signed in in another tab.
    if (error instanceof Problem && error.kind === "forbidden") return other();
    // An operator's session is not renewed, so that a renewal is refused says nothing; that the session is, does.
    if (error instanceof Problem && error.kind === "signed-out") forgetMark();
    throw error;
  }
}

async function call(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> {
  const init: RequestInit = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    init.headers = { "Content-Type": "application/json" };
    init.body = JSON.stringify(body);
  }
  if (signal) init.signal = signal;
  try {
    const response = method === "GET" ? await withSession(() => fetch(path, init)) : await fetch(path, init);
    const json = await response.json().catch(() => null);
    if (!response.ok) throw refused(response.status, json, response.headers.get("retry-after"));
    return json;
  } catch (error) {
    throw unanswered(error);
  }
}

export function read(answer: unknown): Session {
  const document = record(answer);
  const isKey = typeof document.key_id === "string";
  const who = isKey ? document : record(document.person);
  const text = (...values: unknown[]) => values.find((value) => typeof value === "string") as string | undefined;
  const list = Array.isArray(who.permissions) ? who.permissions : [];
  const permissions = list.filter((each): each is string => typeof each === "string");
  const role = isKey ? (permissions.includes("operator") ? "operator" : "API key") : text(who.role);
  const id = isKey ? null : (text(who.id) ?? null);
  return { id, name: text(who.name, who.email) ?? "", role: role ?? "", permissions, isKey };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
