import assert from "node:assert/strict";
import test from "node:test";
import type { Connection } from "./calls.ts";
import { bodyOf, canKeepSecret, formOf, keepsKey } from "./form.ts";
import { said } from "./said.ts";

const KNOWN: Connection = {
  is_connected: true,
  base_url: "https://shop.gorgias.com/api",
  email: "bot@shop.example",
  verification: "token",
  secrets: 1,
  problem: null,
  last_delivery_at: null,
};

test("what is not typed is not sent", () => {
  assert.deepEqual(bodyOf(KNOWN, formOf(KNOWN)), {
    base_url: "https://shop.gorgias.com/api",
    email: "bot@shop.example",
  });
});

test("the saved key serves for its own address alone", () => {
  const form = formOf(KNOWN);
  assert.ok(keepsKey(KNOWN, { ...form, baseUrl: " https://shop.gorgias.com/api/ " }));
  assert.ok(!keepsKey(KNOWN, { ...form, baseUrl: "https://other.gorgias.com/api" }));
  assert.ok(!keepsKey({ ...KNOWN, base_url: null }, { ...form, baseUrl: "" }));
});

test("a secret goes on beside the new one when both are of one kind", () => {
  const form = { ...formOf(KNOWN), secret: "a new secret of the shop" };
  assert.ok(canKeepSecret(KNOWN, { ...form, mode: "token" }));
  assert.deepEqual(bodyOf(KNOWN, { ...form, mode: "hmac" }).verification, {
    mode: "hmac",
    secret: "a new secret of the shop",
    keeps_before: false,
  });
  assert.equal(bodyOf(KNOWN, { ...form, mode: "token" }).verification?.keeps_before, true);
  assert.equal(formOf({ ...KNOWN, verification: null }).mode, "token");
});

test("what differed is said in words", () => {
  const of = (field: string, value: unknown, side: "ours" | "theirs" | "merged") =>
    said(field, value, side, () => "Ann");
  assert.equal(of("status", "pending", "ours"), "Pending");
  assert.equal(of("status", null, "theirs"), "none");
  assert.equal(of("assignee", "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81", "ours"), "Ann");
  assert.equal(of("assignee", "ann-marie@desk.example", "ours"), "ann-marie@desk.example");
  assert.equal(of("tags", ["late", "gift"], "theirs"), "late, gift");
  assert.equal(of("tags", [], "ours"), "none");
  assert.equal(of("messages", 0, "ours"), "–");
  assert.equal(of("messages", 2, "merged"), "2 taken over");
  assert.equal(of("messages", 2, "theirs"), "2 more");
});
