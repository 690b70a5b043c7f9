import assert from "node:assert/strict";
import test from "node:test";
import type { AuditLine } from "../../api/shapes.ts";
import type { ApiKey } from "../keys/calls.ts";
import { lookupsByKey, mayConnect } from "./connections.ts";

const line = (actor: string, at: string, detail: unknown): AuditLine => ({
  id: at,
  tenant: "t",
  actor,
  action: "customer-data.view",
  subject: "customer:by-another-name",
  detail,
  at,
});

test("look-ups over the protocol are counted by key, others are not", () => {
  const found = lookupsByKey([
    line("key:k1", "2026-11-28T12:00:00Z", { route: "/mcp", tool: "lookup_customer" }),
    line("key:k1", "2026-11-28T11:00:00Z", { route: "/mcp", tool: "lookup_customer" }),
    line("key:k1", "2026-11-28T13:00:00Z", { route: "/api/customers/{id}" }),
    line("agent:a1", "2026-11-28T13:00:00Z", { route: "/mcp" }),
    line("key:k2", "2026-11-28T13:00:00Z", null),
  ]);
  assert.deepEqual([...found], [["k1", { count: 2, last: "2026-11-28T12:00:00Z" }]]);
});

test("a key connects when it may read intelligence", () => {
  const key = (scopes: string[]) => ({ scopes }) as ApiKey;
  assert.ok(mayConnect(key(["intelligence:read"])));
  assert.ok(mayConnect(key(["operator"])));
  assert.ok(!mayConnect(key(["customers:read"])));
});
