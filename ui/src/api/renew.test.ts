import assert from "node:assert/strict";
import test from "node:test";
import { mayHaveSession } from "./renew.ts";

test("without the mark there is no session to ask for", () => {
  assert.equal(mayHaveSession(""), false);
  assert.equal(mayHaveSession("theme=dark; other-desk-here=1"), false);
  assert.equal(mayHaveSession("desk-here="), false);
  assert.equal(mayHaveSession("theme=dark; desk-here=1"), true);
});
