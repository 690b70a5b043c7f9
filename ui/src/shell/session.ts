// Who is signed in, and what they may see. The session itself is a cookie that no script can read.

import { queryOptions } from "@tanstack/react-query";
import { Problem, refused, unanswered } from "../api/problem.ts";
import { withSession } from "../api/renew.ts";

export type Session = {
  name: string;
  role: string;
  /** What the person may do; null when it is not known, with a key of development. */
  permissions: string[] | null;
};

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => load(signal),
  staleTime: 60_000,
  retry: false,
});

export function may(session: Session | undefined, permission: string | null): boolean {
  return permission === null || session?.permissions == null || session.permissions.includes(permission);
}

export async function signIn(form: { tenant: string; email: string; password: string }): Promise<void> {
  await call("POST", "/api/auth/login", { ...form, cookie: true });
}

export async function signOut(): Promise<void> {
  await call("POST", "/api/auth/logout", {});
}

async function load(signal: AbortSignal): Promise<Session> {
  try {
    return read(await call("GET", "/api/auth/session", undefined, signal));
  } catch (error) {
    // An API key, such as the proxy of `make ui` adds, is nobody: it may do what its scopes say, which it cannot ask for.
    const isKey = error instanceof Problem && (error.kind === "forbidden" || error.kind === "gone");
    if (isKey) return { name: "API key", role: "its scopes", permissions: null };
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
  const person = record(document.person ?? document.agent ?? document);
  const text = (...values: unknown[]) => values.find((value) => typeof value === "string") as string | undefined;
  const permissions = document.permissions ?? person.permissions;
  return {
    name: text(person.name, person.email) ?? "",
    role: text(document.role, person.role) ?? "",
    permissions: Array.isArray(permissions) ? permissions.filter((each) => typeof each === "string") : null,
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
