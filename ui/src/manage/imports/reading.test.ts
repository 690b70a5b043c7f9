import assert from "node:assert/strict";
import test from "node:test";
import { doubled, isMappingName, mappingName, missing } from "./meanings.ts";
import { found, isOnlyWhole, parametersOf, said, sheetsOf, wanted } from "./reading.ts";

type Preview = NonNullable<Parameters<typeof found>[1]>;

const PREVIEW = {
  profile_title: "order lines by our own column names",
  file: { encoding: "utf-8", separator: ";", header_line: 3, sheet: "May", other_sheets: ["June"] },
  forms: { numbers: { mark: "comma" }, dates: "day_first" },
} as unknown as Preview;

test("sentences for programs become instructions for the page", () => {
  for (const [sentence, here] of [
    ["may be day first or month first; state `dates`", "may be day first or month first; choose it in “Dates”"],
    [
      "taken as USD; state another by the parameter `currency` (as EUR), or by a mapping",
      "taken as USD; state another in “Currency” (as EUR), or under “Columns”",
    ],
    [
      "State `header` (the number of the line) or `separator`; if the file has no such line, add one",
      "Choose it in “Line of the names” (the number of the line) or “Separator”; if the file has no such line, add one",
    ],
    ["Say by a mapping which columns these are", "Say under “Columns” which columns these are"],
    ["state by a mapping which column is the `amount`", "say under “Columns” which column is the `amount`"],
    ["a mapping may say in `statuses` what the words mean", "say under “Columns” what the words mean"],
    ["a mapping may name another column as `amount`", "name under “Columns” another column as `amount`"],
    ["the column `currency` has no cell", "the column `currency` has no cell"],
  ] as const)
    assert.equal(said(sentence), here);
});

test("what sentences ask for is known, and a column of the same name is none of it", () => {
  assert.deepEqual(
    [...wanted(["x; state `dates`", "State `header` or `separator`", "by the parameter `currency`"])],
    ["dates", "header", "separator", "currency"],
  );
  assert.deepEqual([...wanted(["the column `currency` is empty", "say which is the `amount`", ""])], []);
});

test("what was found is said in words", () => {
  assert.equal(found("dates", PREVIEW), "Day first: 31/12/2026");
  assert.equal(found("decimal", PREVIEW), "Comma: 1.299,50");
  assert.equal(found("separator", PREVIEW), "Semicolon");
  assert.equal(found("header", PREVIEW), "3");
  assert.equal(found("zone", PREVIEW), null);
  assert.equal(found("dates", undefined), null);
  assert.equal(found("decimal", { ...PREVIEW, forms: { numbers: "both" } } as unknown as Preview), "both forms");
  assert.deepEqual(sheetsOf(PREVIEW), ["May", "June"]);
  assert.deepEqual(sheetsOf(undefined), []);
});

test("what is empty or half typed is no parameter", () => {
  const stated = { currency: "eur", dates: "day_first", header: "", sheet: " " };
  assert.equal(parametersOf(stated, "own").toString(), "currency=EUR&dates=day_first&mapping=own");
  assert.equal(parametersOf({ currency: "EU" }, null).toString(), "");
});

test("archives, workbooks and Parquet are only looked at as a whole", () => {
  const head = (text: string) => new TextEncoder().encode(text);
  assert.ok(isOnlyWhole(head("PK\u0003\u0004")));
  assert.ok(isOnlyWhole(head("PAR1")));
  for (const text of ["orde", "PKID", "PK", "", "PAR"]) assert.ok(!isOnlyWhole(head(text)));
});

test("a mapping says what an order needs, each once", () => {
  const whole = ["order_id", "ordered_at", "customer_email", "amount"];
  assert.deepEqual(missing(whole), []);
  assert.deepEqual(missing(["order_id", "ordered_at", "customer_phone", "order_total"]), []);
  assert.deepEqual(missing(["order_id", "ordered_at", "customer_id", "unit_price"]), ["the pieces to the price"]);
  assert.equal(missing(["customer_name"]).length, 4);
  assert.deepEqual(doubled([...whole, "amount"]), ["amount"]);
  assert.deepEqual(doubled(whole), []);
});

test("a mapping is called after its file, as far as a name may have it", () => {
  assert.equal(mappingName("Bestellungen Märzen (2).csv.gz"), "Bestellungen-Marzen-2");
  assert.equal(mappingName("注文.xlsx"), "columns");
  assert.ok(isMappingName(mappingName(`${"a".repeat(200)}.csv`)));
  assert.ok(!isMappingName("two words"));
  assert.ok(!isMappingName(""));
});
