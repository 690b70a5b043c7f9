import assert from "node:assert/strict";
import test from "node:test";
import { byDay, byFeature, dollars, type Line, share, total } from "./sums.ts";

const line = (day: string, feature: string, cost: number): Line => ({
  day,
  feature,
  model: "m",
  calls: 2,
  cache_hits: 1,
  input_tokens: 10,
  output_tokens: 20,
  cache_read_tokens: 30,
  cache_write_tokens: 40,
  cost_micros: cost,
});
const LINES = [
  line("2026-11-28", "draft_reply", 500),
  line("2026-11-28", "answer_question", 900),
  line("2026-11-26", "draft_reply", 100),
];

test("features are added up, the dearest first", () => {
  assert.deepEqual(
    byFeature(LINES).map((sum) => [sum.key, sum.calls, sum.hits, sum.tokens, sum.cost]),
    [
      ["answer_question", 2, 1, 100, 900],
      ["draft_reply", 4, 2, 200, 600],
    ],
  );
  assert.equal(total(LINES).cost, 1_500);
  assert.equal(total([]).calls, 0);
});

test("a day without any use is a day too", () => {
  assert.deepEqual(
    byDay(LINES, "2026-11-25", "2026-11-28").map((sum) => [sum.key, sum.cost]),
    [
      ["2026-11-25", 0],
      ["2026-11-26", 100],
      ["2026-11-27", 0],
      ["2026-11-28", 1_400],
    ],
  );
});

test("small sums keep their digits", () => {
  assert.equal(dollars(0), "$0.00");
  assert.equal(dollars(600), "$0.0006");
  assert.equal(dollars(12_345), "$0.012");
  assert.equal(dollars(25_000_000), "$25.00");
  assert.equal(dollars(null), "–");
});

test("there is no share of nothing", () => {
  assert.equal(share(1, 4), 0.25);
  assert.equal(share(0, 0), null);
});
