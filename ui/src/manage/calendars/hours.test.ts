import assert from "node:assert/strict";
import test from "node:test";
import { readSpans, weekInWords, writeSpans } from "./hours.ts";

test("opening hours are read as people write them", () => {
  assert.deepEqual(readSpans("9-12, 13:30-17"), [
    ["09:00", "12:00"],
    ["13:30", "17:00"],
  ]);
  assert.deepEqual(readSpans(""), []);
  assert.deepEqual(readSpans("closed"), []);
  assert.deepEqual(readSpans("0–24"), [["00:00", "24:00"]]);
  for (const bad of ["9", "17-9", "9-25", "9:60-10", "nine to five"]) assert.equal(readSpans(bad), undefined, bad);
});

test("what is written is read as the same, and a week is a line", () => {
  const spans = readSpans("9-12, 13:30-17") ?? [];
  assert.deepEqual(readSpans(writeSpans(spans)), spans);
  const day = readSpans("9-17") ?? [];
  const week = { mon: day, tue: day, wed: day, thu: day, fri: day, sat: readSpans("10-14") ?? [], sun: [] };
  assert.equal(weekInWords(week), "Mon–Fri 9–17; Sat 10–14");
  assert.equal(weekInWords({ mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] }), "Never open");
});
