import assert from "node:assert/strict";
import test from "node:test";
import { brought, faultOf, inShop, rowsRead } from "./said.ts";

test("a fault is a sentence with its code apart", () => {
  assert.deepEqual(faultOf("there is no server of this name: check the name (code host_unknown)"), {
    sentence: "There is no server of this name: check the name.",
    code: "host_unknown",
  });
  assert.deepEqual(faultOf("the column `a (code x) b` is gone; there are c: save it again (code column_gone)"), {
    sentence: "The column `a (code x) b` is gone; there are c: save it again.",
    code: "column_gone",
  });
  // What was told before there were codes.
  assert.deepEqual(faultOf("its mapping was deleted."), { sentence: "Its mapping was deleted.", code: null });
  assert.equal(faultOf("`x` is no kind of place").sentence, "`x` is no kind of place.");
});

test("counts have separators, and what did not happen is left out", () => {
  const result = { orders_inserted: 12_345, orders_replaced: 0, orders_unchanged: 2, rejected: 1 };
  assert.deepEqual(brought(result), ["12,345 added", "1 line refused", "2 as before"]);
  assert.deepEqual(brought({ orders_inserted: 0, orders_replaced: 0, rejected: 0 }), ["nothing had changed"]);
  assert.equal(rowsRead(1), "1 row read");
  assert.equal(rowsRead(200_000), "200,000 rows read");
});

test("a moment is told where the shop is", () => {
  assert.equal(inShop("2026-07-01T22:30:00Z", "Europe/Berlin"), "2 Jul 2026, 00:30 (Europe/Berlin)");
  assert.equal(inShop("2026-07-01T22:30:00Z", "Nowhere/Land"), "1 Jul 2026, 22:30 (UTC)");
  assert.equal(inShop(null, "UTC"), "–");
});
