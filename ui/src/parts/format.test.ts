import assert from "node:assert/strict";
import test from "node:test";
import { count, day, duration, money, monthOf, percent, rate, shortId, since, size, words } from "./format.ts";

test("a rate is said in the unit that gives a number to read", () => {
  assert.equal(rate(12.34), "12.3/s");
  assert.equal(rate(0.5), "30/min");
  assert.equal(rate(0.003), "10.8/h");
  assert.equal(rate(0), "0");
});

test("a size has a unit that gives a number to read", () => {
  assert.equal(size(0), "0 bytes");
  assert.equal(size(12_345), "12 kB");
  assert.equal(size(999_999), "1 MB");
  assert.equal(size(3_440_000), "3.4 MB");
  assert.equal(size(null), "–");
});

test("a duration has two units at most", () => {
  assert.equal(duration(0.25), "250 ms");
  assert.equal(duration(59), "59 s");
  assert.equal(duration(3_661), "1 h 1 min");
  assert.equal(duration(3_605), "1 h");
  assert.equal(duration(90_000), "1 d 1 h");
  assert.equal(duration(null), "–");
});

test("a clock that is a little wrong gives no future", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(since("2026-01-01T00:00:02Z", now), "now");
  assert.equal(since("2025-12-31T23:00:00Z", now), "1 h ago");
  assert.equal(since("2026-01-01T00:10:00Z", now), "in 10 min");
  assert.equal(since("nonsense", now), "–");
});

test("a day stays the day that the server says", () => {
  assert.equal(day("1998-06-19"), "19 Jun 1998");
  assert.equal(monthOf("2026-11-01"), "Nov 2026");
});

test("what was not computed is a dash, and nobody is certain", () => {
  assert.equal(count(null), "–");
  assert.equal(money(null, "USD"), "–");
  assert.equal(money("12.5", "USD"), "$12.50");
  assert.equal(money(3, "NOTACODE"), "3 NOTACODE");
  assert.equal(percent(0.99999), "over 99.9 %");
  assert.equal(percent(0.874), "87 %");
  assert.equal(percent(0.996), "over 99 %");
  assert.equal(percent(0.004), "under 1 %");
  assert.equal(percent(0.9961, 1), "99.6 %");
  assert.equal(percent(0), "0 %");
  assert.equal(percent(1), "100 %");
});

test("names of the wire become words, ids their ends", () => {
  assert.equal(words("import_orders"), "Import orders");
  assert.equal(shortId("01a222f4-4802-76dc-8b32-217c78da2940"), "…78da2940");
});
