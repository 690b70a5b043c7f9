// What the editor of a source holds, as the API takes it; and which column may mean what.

import type { components } from "../../api.d.ts";
import { type Kind, type Place, placeOf } from "./kinds.ts";

export type Mapping = components["schemas"]["MappingForm"];
export type ColumnThere = components["schemas"]["ColumnThere"];

export type Form = {
  name: string;
  typed: Record<string, string>;
  password: string;
  mapping: string;
  /** What the mapping says besides columns: separators, words of states and so on. */
  rest: Omit<Mapping, "columns">;
  meanings: Record<string, string>;
  currency: string;
};

export type SourceBody = Omit<components["schemas"]["SourceForm"], "place"> & { place: Place };

export function bodyOf(kind: Kind, form: Form): SourceBody {
  return {
    place: placeOf(kind, form.typed),
    ...(form.password === "" ? {} : { password: form.password }),
    mapping: form.mapping.trim() || form.name.trim(),
    draft: { ...form.rest, columns: form.meanings },
    currency: form.currency.trim().toUpperCase(),
  };
}

export type Row = ColumnThere & { meaning: string | null; isGone: boolean };

/** The columns that are there, and those that the mapping names and that are not. Before anybody looked nothing is gone. */
export function rowsOf(there: ColumnThere[] | null, meanings: Record<string, string>): Row[] {
  const rows = (there ?? []).map((column) => ({ ...column, meaning: meanings[column.name] ?? null, isGone: false }));
  const known = new Set(rows.map((row) => row.name));
  for (const [name, meaning] of Object.entries(meanings)) {
    if (!known.has(name)) rows.push({ name, kind: null, first: null, meaning, isGone: there !== null });
  }
  return rows;
}

/** Names that columns often have. What is not among them is for a person to say. */
const OFTEN: Record<string, string[]> = {
  order_id: ["orderid", "ordernumber", "orderno", "order", "invoice", "invoiceno"],
  customer_id: ["customerid", "customer", "customerno", "customernumber", "clientid", "userid"],
  customer_email: ["customeremail", "email", "emailaddress"],
  customer_name: ["customername"],
  ordered_at: ["orderedat", "orderdate", "date", "createdat", "placedat", "invoicedate"],
  updated_at: ["updatedat", "changedat", "modifiedat", "changed", "lastmodified"],
  status: ["status", "state", "orderstatus"],
  currency: ["currency", "currencycode"],
  product_id: ["productid", "sku", "itemid", "stockcode"],
  title: ["title", "productname", "product", "item", "description"],
  category: ["category", "producttype"],
  quantity: ["quantity", "qty", "pieces"],
  amount: ["amount", "total", "linetotal", "lineamount"],
  unit_price: ["unitprice", "price"],
};

/** A first guess by the names; each meaning is given once. */
export function guessed(columns: ColumnThere[]): Record<string, string> {
  const meanings: Record<string, string> = {};
  for (const [meaning, names] of Object.entries(OFTEN)) {
    const found = names.map((name) => columns.find((column) => plain(column.name) === name)).find(Boolean);
    if (found && !(found.name in meanings)) meanings[found.name] = meaning;
  }
  return meanings;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
}
