import assert from "node:assert/strict";
import test from "node:test";
import { LANGUAGES, languageName } from "./languages.ts";

test("languages have names, and what is none stays as it is", () => {
  assert.equal(languageName("de"), "German");
  assert.equal(languageName("qq"), "qq");
  assert.equal(languageName("not a code"), "not a code");
  assert.ok(LANGUAGES.every(({ value, label }) => value.length === 2 && label !== value));
});
