import assert from "node:assert/strict";
import test from "node:test";
import { fresh, KINDS, kindOf, placeOf, typedOf, whereIs } from "./kinds.ts";

test("every kind has names of its own, and what is typed comes back as it was", () => {
  assert.equal(new Set(KINDS.map((kind) => kind.kind)).size, KINDS.length);
  for (const kind of KINDS) {
    assert.equal(new Set(kind.fields.map((field) => field.name)).size, kind.fields.length, kind.kind);
    const typed = { ...fresh(kind) };
    for (const field of kind.fields) typed[field.name] ||= field.is === "port" ? "1234" : `a ${field.name}`;
    const place = placeOf(kind, typed);
    assert.deepEqual(typedOf(place), typed, kind.kind);
    assert.equal(whereIs(place).kind, kind.label);
    assert.ok(whereIs(place).where.length > 0, kind.kind);
  }
});

test("blanks are cut, a port is a number, and what is empty is left out only where it may be", () => {
  const postgres = kindOf("postgres");
  assert.ok(postgres);
  const typed = { ...fresh(postgres), host: " db.shop.example ", table: "lines", changes: " " };
  assert.deepEqual(placeOf(postgres, typed), {
    kind: "postgres",
    host: "db.shop.example",
    port: 5432,
    database: "",
    user: "",
    table: "lines",
  });
});

test("a kind that this page does not know is listed all the same", () => {
  assert.deepEqual(whereIs({ kind: "gopher", host: "h", path: "p", port: 70 }), { kind: "gopher", where: "h, p" });
});
