import assert from "node:assert/strict";
import test from "node:test";
import type { DeskEvent } from "../../desk/shapes.ts";
import { isNotice, isOnlyNotice, noticeOf, type Reader } from "./notices.ts";

const of = (kind: string, rest: Partial<DeskEvent> = {}): DeskEvent => ({
  id: 1,
  kind,
  at: "2026-11-28T12:00:00Z",
  ticket_id: null,
  agent_id: null,
  data: {},
  ...rest,
});
const ben: Reader = { id: "ben", may: () => false };
const may: Reader = { id: "may", may: () => true };
const program: Reader = { id: null, may: () => false };

test("a ticket is pointed out to whom it is meant for, and to nobody else", () => {
  const event = of("rule_notice", { agent_id: "ben", ticket_id: "t1", data: { rule_id: "r1" } });
  assert.equal(noticeOf(event, ben)?.href, "/desk?ticket=t1");
  assert.equal(noticeOf(event, may), null);
  assert.equal(noticeOf(of("rule_notice", { ticket_id: "t1" }), program), null);
});

test("a reply that did not reach its customer is said to its writer, and the ticket is another all the same", () => {
  const event = of("reply_failed", { agent_id: "ben", ticket_id: "t1", data: { message_id: "m1" } });
  assert.equal(noticeOf(event, ben)?.href, "/desk?ticket=t1");
  assert.equal(noticeOf(event, may), null);
  assert.equal(noticeOf(of("reply_failed", { ticket_id: "t1" }), program), null, "a program wrote it");
  assert.equal(isOnlyNotice("reply_failed"), false);
  assert.equal(isOnlyNotice("rule_notice"), true);
  assert.equal(isOnlyNotice("ticket_update"), false);
});

test("a rule that stands still concerns its owner and those who keep rules; only they have a way to it", () => {
  for (const kind of ["rule_invalid", "rule_switched_off"]) {
    const event = of(kind, { agent_id: "ben", data: { rule_id: "r1", version: 2 } });
    assert.equal(noticeOf(event, ben)?.href, null);
    assert.equal(noticeOf(event, may)?.href, "/manage/rules/r1");
    assert.equal(noticeOf(event, { id: "ann", may: () => false }), null);
  }
});

test("mail that is held back is said to those who may let it in", () => {
  const event = of("mail_suspended", { data: { mailbox_id: "m 1", limit: 50 } });
  assert.equal(noticeOf(event, may)?.href, "/manage/mail?state=suspended&mailbox_id=m%201");
  assert.equal(noticeOf(event, ben), null);
});

test("nothing else is a notice", () => {
  assert.ok(!isNotice("toString"));
  assert.equal(noticeOf(of("ticket_update", { agent_id: "ben" }), may), null);
});
