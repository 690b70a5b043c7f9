import assert from "node:assert/strict";
import test from "node:test";
import { laters } from "./times.ts";

test("every time that is offered lies ahead, and Monday is named once", () => {
  for (let day = 1; day <= 7; day += 1) {
    const now = new Date(2026, 10, day, 15, 30);
    const offered = laters(now);
    for (const later of offered) assert.ok(later.at > now, `${later.name} ${later.at}`);
    const monday = offered.find((later) => later.name.startsWith("Monday"));
    if (monday) assert.equal(monday.at.getDay(), 1);
    assert.equal(new Set(offered.map((later) => later.at.getTime())).size, offered.length);
  }
});
