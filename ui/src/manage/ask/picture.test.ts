import assert from "node:assert/strict";
import test from "node:test";
import { bars, pictureOf } from "./picture.ts";

const CONTEXT = { currency: "USD", metric: null };
const chart = { kind: "bar", x: "segment", y: "spend", bounds: null, unit: "USD", title: "" };

test("amounts that are texts are drawn, what is withheld is left out and said", () => {
  const rows = [
    { segment: "Rare", spend: "10.00" },
    { segment: "Few", spend: null, withheld: true },
    { segment: "Many", spend: "30.00" },
  ];
  const picture = pictureOf(chart, rows, CONTEXT);
  assert.deepEqual(
    picture?.points.map((point) => [point.name, point.value]),
    [
      ["Rare", 10],
      ["Many", 30],
    ],
  );
  assert.equal(
    picture?.says,
    "Spent by segment: most for Many with $30.00, least for Rare with $10.00. One is withheld or not known.",
  );
});

test("one point is no picture, and no chart is none", () => {
  assert.equal(pictureOf(chart, [{ segment: "Rare", spend: "10" }], CONTEXT), null);
  assert.equal(pictureOf(null, [], CONTEXT), null);
  assert.equal(
    pictureOf(
      chart,
      [
        { segment: "a", spend: "?" },
        { segment: "b", spend: "" },
      ],
      CONTEXT,
    ),
    null,
  );
});

test("spans of days have names, and bounds come along", () => {
  const days = { ...chart, x: "from_days", y: "customers", unit: "customers" };
  const rows = [
    { from_days: 0, to_days: 7, customers: 5 },
    { from_days: 8, to_days: null, customers: 5 },
  ];
  const picture = pictureOf(days, rows, CONTEXT);
  assert.deepEqual(
    picture?.points.map((point) => point.name),
    ["0 to 7 days", "8 days and more"],
  );
  assert.equal(picture?.says, "Customers by days: 5 for each.");
  const once = pictureOf(days, [...rows, { class: "one order only", customers: 161 }], CONTEXT);
  assert.equal(once?.points.at(-1)?.name, "One order only");
  assert.equal(once?.says, "Customers by days: most for One order only with 161, least for 0 to 7 days with 5.");
  const line = { ...chart, kind: "line", x: "month", y: "value", bounds: ["low", "high"] as [string, string] };
  const months = [
    { month: "2026-11-01", value: 2, low: 1, high: 3 },
    { month: "2026-12-01", value: 2, low: 0, high: 4 },
  ];
  const [first] = pictureOf(line, months, { currency: "USD", metric: "revenue" })?.points ?? [];
  assert.deepEqual([first?.name, first?.text, first?.low, first?.high], ["Nov 2026", "$2.00", 1, 3]);
});

test("bars stand on both sides of zero where there are losses", () => {
  const point = (value: number) => ({ name: "", value, text: "", low: null, high: null, row: {} });
  assert.deepEqual(bars([point(30), point(-10)]), [
    { from: 25, width: 75 },
    { from: 0, width: 25 },
  ]);
  assert.deepEqual(bars([point(0), point(0)]), [
    { from: 0, width: 0 },
    { from: 0, width: 0 },
  ]);
});
