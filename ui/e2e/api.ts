// The API as the tests use it beside the browser.

export const URL = process.env.DESK_URL ?? "http://127.0.0.1:8080";
export const KEY = process.env.DESK_API_KEY ?? "";

export async function api<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(URL + path, {
    ...init,
    headers: { "X-API-Key": KEY, "Content-Type": "application/json", ...init.headers },
  });
  if (!response.ok) throw new Refused(response.status, `${path}: ${response.status} ${await response.text()}`);
  const text = await response.text();
  return (text === "" ? null : JSON.parse(text)) as T;
}

export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function post<T>(path: string, body: unknown, method = "POST"): Promise<T> {
  return api<T>(path, { method, body: JSON.stringify(body) });
}

/** How a job ended. The API answers when it has, or after twenty seconds, and then it is asked again. */
export async function ended(job: string): Promise<string> {
  for (;;) {
    const { state } = await api<{ state: string }>(`/api/jobs/${job}?wait=20`);
    if (["done", "dead", "cancelled"].includes(state)) return state;
  }
}

/** Fails unless the job is done. */
export async function done(job: string) {
  const state = await ended(job);
  if (state !== "done") throw new Error(`the job ${job} is ${state}`);
}

/** The cookies of an answer, as the driver takes them. Only this machine is spoken to, which may have secure ones without TLS. */
export function cookiesOf(response: Response) {
  return response.headers.getSetCookie().flatMap((line) => {
    const [pair = "", ...rest] = line.split(";").map((part) => part.trim());
    const [name = "", value = ""] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    const path = rest.find((part) => part.startsWith("Path="))?.slice(5) ?? "/";
    if (value === "") return [];
    const { hostname } = new globalThis.URL(URL);
    const httpOnly = rest.includes("HttpOnly");
    return [{ name, value, domain: hostname, path, httpOnly, secure: true, sameSite: "Strict" as const }];
  });
}
