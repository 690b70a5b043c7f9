import assert from "node:assert/strict";
import test from "node:test";
import { CLIENTS, holdsKey, isPlain } from "./clients.ts";

const ADDRESS = "https://desk.example/mcp";
const of = (id: string, address = ADDRESS) => CLIENTS.find((client) => client.id === id)?.text(address, "dsk_1") ?? "";

test("every client is told the address", () => {
  for (const client of CLIENTS) assert.ok(client.text(ADDRESS, "dsk_1").includes(ADDRESS), client.name);
});

test("what is JSON can be read and names one server", () => {
  for (const [id, field] of [
    ["claude-desktop", "mcpServers"],
    ["vscode", "servers"],
    ["cursor", "mcpServers"],
  ] as const) {
    const document = JSON.parse(of(id));
    assert.deepEqual(Object.keys(document[field]), ["deskwork"], id);
  }
});

test("the key is only where a client cannot take it from elsewhere", () => {
  assert.deepEqual(
    CLIENTS.filter(holdsKey).map((client) => client.id),
    ["claude-code", "claude-desktop", "curl"],
  );
  assert.ok(!of("codex").includes("dsk_1"));
});

test("an address without TLS is allowed where a client asks for that", () => {
  assert.ok(isPlain("http://127.0.0.1:8080/mcp"));
  assert.ok(of("claude-desktop", "http://127.0.0.1:8080/mcp").includes("--allow-http"));
  assert.ok(!of("claude-desktop").includes("--allow-http"));
});
