import assert from "node:assert/strict";
import test from "node:test";
import type { Ticket } from "../shapes.ts";
import { meanwhile } from "./meanwhile.ts";

const ticket = (rest: Partial<Ticket> = {}) =>
  ({ status: "open", priority: "normal", tags: ["a"], message_count: 1, customer: {}, ...rest }) as Ticket;
const name = (id: string | null | undefined) => (id === "b" ? "Ben" : "somebody");
const said = (document: Record<string, unknown>) => meanwhile(document, ticket(), name);

test("a refusal says what is so now", () => {
  assert.equal(
    said({ current: ticket({ status: "resolved", assignee_id: "b" }) }),
    "It is resolved now; Ben has it now",
  );
  assert.equal(said({ current: ticket({ message_count: 2, tags: [] }) }), "A message came; It has other tags");
  assert.equal(said({ current: ticket({ snoozed_until: "2026-11-30T08:00:00Z" }) }), "It sleeps");
  assert.equal(said({ agent_id: "b" }), "Ben has it now");
  assert.equal(said({ merged_into: "x" }), "It went on in another ticket");
});

test("of what it says nothing about, nothing is made up", () => {
  assert.equal(said({}), null);
  assert.equal(said({ current: ticket() }), null);
  assert.equal(said({ current: { version: 3 } }), null);
  assert.equal(said({ agent_id: "b", load: 3, capacity: 3 }), null, "it is full, and nobody took it");
});
