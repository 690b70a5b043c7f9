import assert from "node:assert/strict";
import test from "node:test";
import { clock, digests, timesInWords, zones } from "./hours.ts";

test("a minute of the day is a time", () => {
  assert.deepEqual([0, 5, 1_350, 1_439].map(clock), ["00:00", "00:05", "22:30", "23:59"]);
});

test("when a rule tells is said in words", () => {
  const rule = { quiet_from: 1_320, quiet_to: 420, timezone: "Europe/Berlin", digest_minutes: 45 };
  assert.deepEqual(timesInWords(rule), ["together, every 45 minutes", "quiet from 22:00 to 07:00, Europe/Berlin"]);
  assert.deepEqual(timesInWords({ ...rule, quiet_from: null, quiet_to: null, digest_minutes: 0 }), ["each at once"]);
  assert.deepEqual(timesInWords({ ...rule, quiet_from: null, quiet_to: null, digest_minutes: 120 }), [
    "together, every 2 hours",
  ]);
});

test("what a rule has is among what can be chosen", () => {
  assert.deepEqual(
    digests(45).map(({ value }) => value),
    ["0", "15", "30", "45", "60", "240", "1440"],
  );
  assert.equal(digests(60).length, 6);
  assert.ok(zones("Mars/Olympus").includes("Mars/Olympus"));
  assert.ok(zones("UTC").includes("Europe/Berlin"));
});
