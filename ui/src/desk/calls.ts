// Requests of the desk. Their refusals carry more than a sentence: what is new, or how it is now.

import { client } from "../api/client.ts";
import { Problem, refused } from "../api/problem.ts";
import type { Message } from "./shapes.ts";

export class Refusal extends Problem {
  readonly document: Record<string, unknown>;

  constructor(plain: Problem, body: unknown) {
    super(plain.kind, plain.message, plain);
    this.document = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  }
}

type Call<T> = Promise<{ data?: T; error?: unknown; response: Response }>;

/** The body of an answer; throws a Refusal with the whole document otherwise. */
export async function told<T>(call: Call<T>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  throw new Refusal(refused(response.status, error, response.headers.get("retry-after")), error);
}

/** The same where the API's description leaves the shape open; the shapes are in shapes.ts. */
export function toldAs<T>(call: Call<unknown>): Promise<T> {
  return told(call) as Promise<T>;
}

/** Sends a reply that failed once more, as it was written. */
export function sendAgain(ticket: string, message: string): Promise<Message> {
  const path = "/api/tickets/{id}/messages/{message_id}/send-again";
  const params = { path: { id: ticket, message_id: message }, header: once() };
  return toldAs<Message>(client.POST(path as never, { params } as never) as Call<unknown>);
}

/** Header: only on what was looked at. */
export function ifMatch(version: number) {
  return { "If-Match": `"${version}"` };
}

/** Header: sent twice, done once. */
export function once(key: string = crypto.randomUUID()) {
  return { "Idempotency-Key": key };
}
