import assert from "node:assert/strict";
import test from "node:test";
import { readMinutes, writeMinutes } from "./minutes.ts";

test("times are read as people write them", () => {
  const said: [string, number | null | undefined][] = [
    ["", null],
    ["45", 45],
    ["45 min", 45],
    ["1 h 30 min", 90],
    ["1h30min", 90],
    ["1,5 h", 90],
    ["2 days", 2880],
    ["1 h 30", undefined],
    ["soon", undefined],
    ["-5", undefined],
    ["0", undefined],
    ["0.5", undefined],
  ];
  for (const [text, minutes] of said) assert.equal(readMinutes(text), minutes, text);
});

test("what is written is read as the same", () => {
  for (const minutes of [1, 45, 60, 90, 1440, 1500, 2880, 2881, 10_080]) {
    assert.equal(readMinutes(writeMinutes(minutes)), minutes, writeMinutes(minutes));
  }
});
