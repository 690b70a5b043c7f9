import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { TOPICS } from "./source.ts";

test("every topic of the server is heard", async () => {
  const source = await readFile(new URL("../../../../domain/support/src/live/topics.rs", import.meta.url), "utf8");
  const names = source.slice(source.indexOf("fn name("), source.indexOf("fn named("));
  const told = [...names.matchAll(/=> "([a-z_]+)"/g)].map(([, name]) => name);
  assert.ok(told.length > 10);
  assert.deepEqual([...TOPICS].sort(), told.sort());
});
