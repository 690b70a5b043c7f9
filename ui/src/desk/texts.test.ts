// What is said of a reply that was taken, and whether it can leave.

import assert from "node:assert/strict";
import test from "node:test";
import { DELIVERY, pendingWords, replyFault, sentWords, TEXTS } from "./texts.ts";

test("a reply that nothing can carry is not said to leave", () => {
  for (const lacks of ["no_mailbox", "no_mail_server", "no_address", "overtaken", "something new"]) {
    assert.match(sentWords(lacks) ?? "", /^Not sent.*The text is kept/);
    assert.match(sentWords(lacks, "resolved") ?? "", /The ticket stays as it is\.$/);
  }
  assert.equal(sentWords(null, "resolved"), null);
  assert.equal(sentWords(null), null);
  assert.equal(sentWords(undefined), null);
  assert.notEqual(DELIVERY.failed, DELIVERY.sent);
  assert.match(TEXTS.sent, /leaves/);
});

test("a reply that its customer does not have is marked in words, and no other", () => {
  const marks = ["failed", "bounced", "unsure", "something new"].map(replyFault);
  assert.equal(new Set(marks).size, marks.length);
  for (const mark of marks) assert.match(mark ?? "", /^Reply [a-z]/);
  for (const none of [null, undefined, ""]) assert.equal(replyFault(none), null);
});

test("a draft that takes long is said", () => {
  const now = Date.parse("2026-11-29T12:00:00Z");
  const draft = (since: string) => [{ what: "draft", since }];
  assert.deepEqual(pendingWords(draft("2026-11-29T11:58:00Z"), now), [TEXTS.pending.draft]);
  assert.deepEqual(pendingWords(draft("2026-11-29T11:59:50Z"), now), []);
});

test("what takes long is said once, and what has just begun is not", () => {
  const now = Date.parse("2026-11-29T12:00:00Z");
  const reading = (since: string) => ({ what: "reading", since });
  assert.deepEqual(pendingWords(undefined, now), []);
  assert.deepEqual(
    pendingWords([reading("2026-11-29T11:59:50Z"), { what: "reply", since: "2026-11-28T12:00:00Z" }], now),
    [],
  );
  assert.deepEqual(pendingWords([reading("2026-11-29T11:50:00Z"), reading("2026-11-29T11:40:00Z")], now), [
    TEXTS.pending.reading,
  ]);
});
