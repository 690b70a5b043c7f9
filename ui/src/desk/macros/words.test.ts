import assert from "node:assert/strict";
import test from "node:test";
import { TEXTS as DESK } from "../texts.ts";
import { assigns, below, doneOf, usedInWords } from "./words.ts";

const TAGS = { do: "add_tags", tags: ["refund"] };
const RESOLVE = { do: "set_status", status: "resolved" };
const GIVE = { do: "assign_agent", agent_id: "b" };
const names = (id: string) => (id === "b" ? "Ben" : undefined);
const used = (rest: object) => ({ message_id: "m", not_sent_because: null, left_out: [], ...rest });

test("what was done is told, and what was not with the reason", () => {
  assert.deepEqual(usedInWords([TAGS, RESOLVE], used({}), names), [
    DESK.sent,
    "Done beside: Add tags: refund; Set where it stands: resolved",
  ]);
  const lacks = used({ not_sent_because: "no_mailbox", left_out: [{ status: "resolved", do: "set_status" }] });
  assert.deepEqual(usedInWords([TAGS, RESOLVE], lacks, names), [
    DESK.notSent.no_mailbox,
    "Done beside: Add tags: refund",
    "Not done, because the reply cannot leave: Set where it stands: resolved",
  ]);
  assert.deepEqual(doneOf([RESOLVE], lacks), []);
  assert.deepEqual(usedInWords([], used({}), names), [DESK.sent]);
  assert.match(usedInWords([GIVE], used({}), names).join(), /Give it to a person: Ben/);
});

test("whoever may not give a ticket away is known before", () => {
  assert.equal(assigns([TAGS, GIVE]), true);
  assert.equal(assigns([{ do: "assign_department", department: "Returns" }]), true);
  assert.equal(assigns([TAGS, RESOLVE]), false);
});

test("a text is put below what is written already", () => {
  assert.equal(below("", "Hello"), "Hello");
  assert.equal(below(" \n", "Hello"), "Hello");
  assert.equal(below("I looked. \n", "Hello"), "I looked.\n\nHello");
});
