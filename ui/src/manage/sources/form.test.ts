import assert from "node:assert/strict";
import test from "node:test";
import { bodyOf, type ColumnThere, type Form, guessed, rowsOf } from "./form.ts";
import { fresh, kindOf } from "./kinds.ts";

const column = (name: string, kind: string | null = null): ColumnThere => ({ name, kind, first: null });
const file = kindOf("file");
assert.ok(file);

const FORM: Form = {
  name: " nightly ",
  typed: { ...fresh(file), url: " https://files.example/o.csv " },
  password: "",
  mapping: "",
  rest: { separator: ";" },
  meanings: { Beleg: "order_id" },
  currency: " eur ",
};

test("what is typed is sent, and an empty password is not", () => {
  assert.ok(file);
  assert.deepEqual(bodyOf(file, FORM), {
    place: { kind: "file", url: "https://files.example/o.csv" },
    mapping: "nightly",
    draft: { separator: ";", columns: { Beleg: "order_id" } },
    currency: "EUR",
  });
  assert.equal(bodyOf(file, { ...FORM, password: " secret " }).password, " secret ", "a secret may begin with a blank");
  assert.equal(bodyOf(file, { ...FORM, mapping: "warehouse" }).mapping, "warehouse");
});

test("a column of the mapping that is not there is told once somebody looked", () => {
  const meanings = { number: "order_id", old: "amount" };
  assert.deepEqual(
    rowsOf([column("number", "text"), column("note")], meanings).map((row) => [row.name, row.meaning, row.isGone]),
    [
      ["number", "order_id", false],
      ["note", null, false],
      ["old", "amount", true],
    ],
  );
  assert.ok(rowsOf(null, meanings).every((row) => !row.isGone));
});

test("a guess gives each meaning once and leaves alone what it does not know", () => {
  const columns = ["Order ID", "order_number", "E-Mail", "date", "total", "price", "Umsatz"].map((name) =>
    column(name),
  );
  assert.deepEqual(guessed(columns), {
    "Order ID": "order_id",
    "E-Mail": "customer_email",
    date: "ordered_at",
    total: "amount",
    price: "unit_price",
  });
  assert.deepEqual(guessed([]), {});
});
