import assert from "node:assert/strict";
import test from "node:test";
import { clash, DEFAULTS, match } from "./actions.ts";

test("one key acts at once, the first of two waits", () => {
  assert.deepEqual(match(DEFAULTS, ["j"]), { action: "next" });
  assert.equal(match(DEFAULTS, ["g"]), "begun");
  assert.deepEqual(match(DEFAULTS, ["g", "q"]), { action: "queues" });
  assert.equal(match(DEFAULTS, ["z"]), null);
});

test("a key that is taken, or begins another, is refused", () => {
  assert.match(clash(DEFAULTS, "next", "k") ?? "", /Previous row/);
  assert.match(clash(DEFAULTS, "next", "g") ?? "", /Clashes/);
  assert.match(clash(DEFAULTS, "next", "abc") ?? "", /One key/);
  assert.equal(clash(DEFAULTS, "next", "z"), null);
  assert.equal(clash(DEFAULTS, "next", ""), null);
});

test("the default keys do not clash among themselves", () => {
  for (const [action, key] of Object.entries(DEFAULTS)) {
    assert.equal(clash(DEFAULTS, action as keyof typeof DEFAULTS, key), null, action);
  }
});
