import assert from "node:assert/strict";
import test from "node:test";
import { divides, meant, spanOf } from "./known.ts";

test("a span is told where the mean lies in it, and what it says where it does not", () => {
  const of = (value: number, low: number | null, high: number | null) => spanOf({ value, low, high, currency: "EUR" });
  assert.equal(of(24.8, 10, 40), ", most likely between €10.00 and €40.00");
  assert.equal(of(24.8, 0, 24.8), " on average; most spend less, from €0.00 on");
  assert.equal(of(5, 5, 40), " on average; most spend more, up to €40.00");
  assert.equal(of(5, 5, 5), "");
  assert.equal(of(5, null, null), "");
});

test("an axis with one segment divides nobody", () => {
  assert.ok(!divides({ memberships: [{ segment: "All customers", membership: 1 }] }));
  assert.ok(!divides({}));
  assert.ok(
    divides({
      memberships: [
        { segment: "Rare", membership: 0.9 },
        { segment: "Frequent", membership: 0.1 },
      ],
    }),
  );
});

test("a search goes to who has the number, or to the only one", () => {
  const all = [{ id: "12" }, { id: "1" }];
  assert.equal(meant(all, "1")?.id, "1");
  assert.equal(meant(all.slice(0, 1), "Ann")?.id, "12");
  assert.equal(meant(all, "Ann"), undefined);
  assert.equal(meant([], "Ann"), undefined);
});
