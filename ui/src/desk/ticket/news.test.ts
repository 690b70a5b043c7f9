import assert from "node:assert/strict";
import test from "node:test";
import { newsOf, seenWith } from "./news.ts";

const refusal = (document: Record<string, unknown>, status = 409, field: string | null = "last_seen_message_id") => ({
  status,
  field,
  document,
});

test("a refusal for something unseen says what is new, and what to have seen next time", () => {
  const document = { new_messages: [{ id: "c" }], last_message_id: "c", reply_text: { version: 3 } };
  const news = newsOf(refusal(document), "b");
  assert.deepEqual(news, { messages: [{ id: "c" }], last: "c", version: 3, beside: "b" });
  assert.equal(seenWith(news, "b"), "c");
  assert.equal(seenWith(news, "d"), "d", "the conversation was looked at since");
  assert.equal(seenWith(null, "b"), "b");
});

test("where the text was kept by nobody there is no version, and nothing is made up", () => {
  assert.deepEqual(newsOf(refusal({ new_messages: null }), null), {
    messages: [],
    last: null,
    version: null,
    beside: null,
  });
});

test("another refusal is no news", () => {
  assert.equal(newsOf(refusal({}, 412), "b"), null);
  assert.equal(newsOf(refusal({ detail: "merged" }, 409, null), "b"), null);
});
