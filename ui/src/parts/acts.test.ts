import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { ACTS, actInWords, detailInWords } from "./acts.ts";

test("acts and their details are said in words", () => {
  assert.equal(actInWords("session.begin"), "Signed in");
  assert.equal(actInWords("moon.rise_late"), "Moon rise late");
  assert.equal(detailInWords({}), "–");
  assert.equal(detailInWords(null), "–");
  assert.equal(
    detailInWords({ reason: "left the shop", disabled: true, old: null }),
    "Reason: left the shop; disabled: yes",
  );
  assert.equal(detailInWords({ rows_read: 12_345, took_ms: 1_500 }), "Rows read: 12,345; took: 2 s");
  assert.equal(detailInWords({ tags: ["a", "b"], change: { from: 1, to: 2 } }), "Tags: a, b; change: (from: 1, to: 2)");
  assert.doesNotMatch(detailInWords({ until: "2026-11-01T10:00:00Z" }), /T10/);
});

// Whoever adds an act of people to a route adds its words here.
test("every act that a route notes under its name has words", () => {
  const routes = join(import.meta.dirname, "../../../api/src/routes");
  const files = readdirSync(routes, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".rs"));
  const noted = files.flatMap((file) =>
    [...readFileSync(join(routes, file), "utf8").matchAll(/trail::record\([^;"]*"([a-z_-]+\.[a-z_-]+)"/g)].map(
      (found) => found[1] as string,
    ),
  );
  assert.ok(noted.length > 50, `${noted.length} were found`);
  assert.deepEqual(
    noted.filter((act) => !(act in ACTS)),
    [],
  );
});
