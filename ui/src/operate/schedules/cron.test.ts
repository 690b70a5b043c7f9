import assert from "node:assert/strict";
import test from "node:test";
import { cronWords } from "./cron.ts";

test("common times are said in words, others not guessed at", () => {
  assert.equal(cronWords("*/5 * * * *"), "Every 5 minutes");
  assert.equal(cronWords("0 2 * * *"), "Every day at 02:00");
  assert.equal(cronWords("15 * * * *"), "Every hour at :15");
  assert.equal(cronWords("30 4 * * 0"), "Sundays at 04:30");
  assert.equal(cronWords("0 6 1 * *"), "Day 1 of each month at 06:00");
  assert.equal(cronWords("0 6-9 * * 1-5"), "At times");
  assert.equal(cronWords(""), "At times");
});
