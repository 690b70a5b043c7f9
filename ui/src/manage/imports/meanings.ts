// What a mapping of a file has to say, what words of its statuses may mean, and how it may be called.

import { MEANINGS } from "../sources/texts.ts";

export type Option = { value: string; label: string };

/** What a word of the column of statuses may mean. */
export const STATUSES: Option[] = [
  { value: "placed", label: "Ordered" },
  { value: "pending", label: "Not paid yet" },
  { value: "authorized", label: "Promised" },
  { value: "paid", label: "Paid" },
  { value: "partly_paid", label: "Paid in part" },
  { value: "partly_refunded", label: "A part given back" },
  { value: "refunded", label: "All given back" },
  { value: "voided", label: "The promise was taken back" },
  { value: "failed", label: "The payment failed" },
  { value: "cancelled", label: "Cancelled" },
];

const LABELS = new Map(MEANINGS.flatMap(({ items }) => items).map(({ value, label }) => [value, label]));

export function labelOf(meaning: string): string {
  return LABELS.get(meaning) ?? meaning.replaceAll("_", " ");
}

/** A mapping has to name customers by one of these: two people may have one name. */
const BUYERS = ["customer_id", "customer_email", "customer_phone"];

/** What an order cannot be read without and no column says yet, in words. */
export function missing(meanings: Iterable<string>): string[] {
  const said = new Set(meanings);
  const lacks: string[] = [];
  if (!said.has("order_id")) lacks.push("the order’s number");
  if (!said.has("ordered_at")) lacks.push("its day");
  if (!BUYERS.some((name) => said.has(name))) lacks.push("the customer’s number, e-mail address or telephone number");
  const hasAmount = said.has("amount") || said.has("order_total");
  if (!hasAmount && !said.has("unit_price")) lacks.push("an amount");
  else if (!hasAmount && !said.has("quantity")) lacks.push("the pieces to the price");
  return lacks;
}

/** Meanings that two columns have: each may have one. */
export function doubled(meanings: Iterable<string>): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const meaning of meanings) {
    if (seen.has(meaning)) twice.add(meaning);
    seen.add(meaning);
  }
  return [...twice];
}

/** A name for a mapping out of that of a file: letters, digits, dots, dashes and underscores. */
export function mappingName(file: string): string {
  const plain = file
    .replace(/(\.(csv|tsv|txt|xlsx|parquet|gz|zip|bz2|xz|zst))+$/i, "")
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return plain.slice(0, 64) || "columns";
}

export function isMappingName(name: string): boolean {
  return /^[A-Za-z0-9._-]{1,64}$/.test(name);
}
