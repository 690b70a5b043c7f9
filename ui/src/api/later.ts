// Requests whose paths this version's api.d.ts does not describe yet. When it does, a caller goes over to `client` and its
// types are checked; nothing else changes.

import { refused, unanswered } from "./problem.ts";
import { withSession } from "./renew.ts";

type Query = Record<string, string | number | boolean | null | undefined>;
type Options = { query?: Query; body?: unknown; signal?: AbortSignal; headers?: Record<string, string> };

const PATIENCE_MS = 20_000;

/** The body of an answer; throws a Problem when it is a refusal. */
export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const { query = {}, body, signal, headers = {} } = options;
  const written = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = new URLSearchParams(written.map(([name, value]) => [name, String(value)])).toString();
  const init: RequestInit = {
    method,
    headers: {
      Accept: "application/json",
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  try {
    const response = await withSession(() => {
      const patience = AbortSignal.timeout(PATIENCE_MS);
      return fetch(search ? `${path}?${search}` : path, {
        ...init,
        signal: signal ? AbortSignal.any([signal, patience]) : patience,
      });
    });
    const json = await response.json().catch(() => null);
    if (!response.ok) throw refused(response.status, json, response.headers.get("retry-after"));
    return json as T;
  } catch (error) {
    throw unanswered(error);
  }
}
