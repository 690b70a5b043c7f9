// What is said of a reply that was taken, and whether it can leave.

import assert from "node:assert/strict";
import test from "node:test";
import { DELIVERY, sentWords, TEXTS } from "./texts.ts";

test("a reply that nothing can carry is not said to leave", () => {
  for (const lacks of ["no_mailbox", "no_mail_server", "no_address", "something new"])
    assert.match(sentWords(lacks) ?? "", /^Not sent.*The text is kept/);
  assert.equal(sentWords(null), null);
  assert.equal(sentWords(undefined), null);
  assert.notEqual(DELIVERY.failed, DELIVERY.sent);
  assert.match(TEXTS.sent, /leaves/);
});
