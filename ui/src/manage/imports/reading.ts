// How a file is read: what may be stated, what was found, and what the api's sentences ask for in words of this page.

import type { components } from "../../api.d.ts";
import type { Option } from "./meanings.ts";

type Preview = components["schemas"]["PreviewView"];

export type Field =
  | "currency"
  | "dates"
  | "decimal"
  | "separator"
  | "encoding"
  | "header"
  | "sheet"
  | "zone"
  | "profile";
export type Stated = Partial<Record<Field, string>>;

/** What the fields are called on the page. */
export const LABELS: Record<Field, string> = {
  currency: "Currency",
  dates: "Dates",
  decimal: "Decimals",
  separator: "Separator",
  encoding: "Encoding",
  header: "Line of the names",
  sheet: "Sheet",
  zone: "Time zone",
  profile: "Export",
};

export const DATES: Option[] = [
  { value: "day_first", label: "Day first: 31/12/2026" },
  { value: "month_first", label: "Month first: 12/31/2026" },
  { value: "year_first", label: "Year first: 26/12/31" },
];

export const DECIMALS: Option[] = [
  { value: "point", label: "Point: 1,299.50" },
  { value: "comma", label: "Comma: 1.299,50" },
];

export const SEPARATORS: Option[] = [
  { value: "comma", label: "Comma" },
  { value: "semicolon", label: "Semicolon" },
  { value: "tab", label: "Tab" },
  { value: "pipe", label: "Pipe |" },
];

/** By the names of the Encoding Standard. */
export const ENCODINGS: Option[] = [
  { value: "utf-8", label: "UTF-8" },
  { value: "utf-16le", label: "UTF-16 LE" },
  { value: "utf-16be", label: "UTF-16 BE" },
  { value: "windows-1252", label: "Western Europe: Windows-1252" },
  { value: "iso-8859-15", label: "Western Europe: ISO 8859-15" },
  { value: "macintosh", label: "Western Europe: Macintosh" },
  { value: "windows-1250", label: "Central Europe: Windows-1250" },
  { value: "iso-8859-2", label: "Central Europe: ISO 8859-2" },
  { value: "windows-1251", label: "Cyrillic: Windows-1251" },
  { value: "windows-1253", label: "Greek: Windows-1253" },
  { value: "windows-1254", label: "Turkish: Windows-1254" },
  { value: "windows-1255", label: "Hebrew: Windows-1255" },
  { value: "windows-1256", label: "Arabic: Windows-1256" },
  { value: "shift_jis", label: "Japanese: Shift_JIS" },
  { value: "euc-jp", label: "Japanese: EUC-JP" },
  { value: "gb18030", label: "Chinese: GBK, GB 18030" },
  { value: "big5", label: "Chinese: Big5" },
  { value: "euc-kr", label: "Korean: EUC-KR" },
];

export const PROFILES: Option[] = [
  { value: "lines", label: "Our own column names" },
  { value: "shopify_orders", label: "Shopify" },
  { value: "woocommerce_items", label: "WooCommerce, a row an item" },
  { value: "woocommerce_advanced", label: "WooCommerce by Advanced Order Export" },
  { value: "woocommerce_analytics", label: "WooCommerce’s analytics" },
  { value: "magento_orders", label: "Magento" },
  { value: "bigcommerce_orders", label: "BigCommerce, a row an order" },
  { value: "bigcommerce_products", label: "BigCommerce, a row a product" },
  { value: "squarespace_orders", label: "Squarespace" },
  { value: "amazon_orders", label: "Amazon, all orders" },
  { value: "amazon_new_orders", label: "Amazon, new orders" },
  { value: "etsy_items", label: "Etsy, sold items" },
  { value: "stripe_charges", label: "Stripe’s charges" },
  { value: "klaviyo_events", label: "Klaviyo’s orders placed" },
  { value: "online_retail", label: "Online Retail" },
];

type Form = { encoding?: string; separator?: string; header_line?: number; sheet?: string; other_sheets?: string[] };
type Forms = { numbers?: "both" | { mark?: string }; dates?: string };

const SIGNS: Record<string, string> = { ",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Pipe |" };

/** What the file itself was found to be, in words; null where nothing was. */
export function found(field: Field, preview: Preview | undefined): string | null {
  if (!preview) return null;
  const file = preview.file as Form;
  const forms = preview.forms as Forms;
  switch (field) {
    case "dates":
      return labelIn(DATES, forms.dates);
    case "decimal":
      return forms.numbers === "both" ? "both forms" : labelIn(DECIMALS, forms.numbers?.mark);
    case "separator":
      return file.separator ? (SIGNS[file.separator] ?? file.separator) : null;
    case "encoding":
      return file.encoding ?? null;
    case "header":
      return file.header_line ? String(file.header_line) : null;
    case "sheet":
      return file.sheet ?? null;
    case "profile":
      return preview.profile_title;
    default:
      return null;
  }
}

function labelIn(options: Option[], value: string | undefined): string | null {
  return options.find((option) => option.value === value)?.label ?? value ?? null;
}

/** All sheets of a workbook, the one that is read first. */
export function sheetsOf(preview: Preview | undefined): string[] {
  const file = preview?.file as Form | undefined;
  return file?.sheet ? [file.sheet, ...(file.other_sheets ?? [])] : [];
}

/** The parameters of a preview and of an import alike. What is typed half is not stated yet. */
export function parametersOf(stated: Stated, mapping: string | null): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [field, value] of Object.entries(stated)) {
    const typed = (value ?? "").trim();
    const text = field === "currency" ? typed.toUpperCase() : typed;
    if (text === "" || (field === "currency" && text.length !== 3)) continue;
    parameters.set(field, text);
  }
  if (mapping) parameters.set("mapping", mapping);
  return parameters;
}

export function isField(name: string | null | undefined): name is Field {
  return typeof name === "string" && Object.hasOwn(LABELS, name);
}

/** Which fields sentences of the api ask for. */
export function wanted(sentences: string[]): Set<Field> {
  const fields = new Set<Field>();
  for (const sentence of sentences) {
    for (const [, name] of sentence.matchAll(/\b(?:state|parameter|or) `(\w+)`/gi)) if (isField(name)) fields.add(name);
  }
  return fields;
}

/** A sentence that the api writes for programs, as an instruction for this page. */
export function said(sentence: string): string {
  const quoted = (whole: string, before: string, name: string) =>
    isField(name) ? `${before}“${LABELS[name]}”` : whole;
  return sentence
    .replace(/\b(by the parameter )`(\w+)`/g, (whole, _, name: string) => quoted(whole, "in ", name))
    .replace(/\b(state )`(\w+)`/g, (whole, _, name: string) => quoted(whole, "choose it in ", name))
    .replace(/\b(State )`(\w+)`/g, (whole, _, name: string) => quoted(whole, "Choose it in ", name))
    .replace(/\b(or )`(\w+)`/g, quoted)
    .replace(/\ba mapping (?:may|can) say in `statuses`/g, "say under “Columns”")
    .replace(/\ba mapping (?:may|can) (\w+)/g, "$1 under “Columns”")
    .replace(/\bA mapping (?:may|can) say/g, "Say under “Columns”")
    .replace(/\b([Ss])(?:ay|tate) by a mapping\b/g, "$1ay under “Columns”")
    .replace(/\bby a mapping\b/g, "under “Columns”");
}

/** Files whose directory is at their end: of these no beginning can be looked at. ZIP and XLSX begin so, and Parquet. */
export function isOnlyWhole(head: Uint8Array): boolean {
  const sign = String.fromCharCode(...head.slice(0, 4));
  return (sign.startsWith("PK") && sign.charCodeAt(2) < 9) || sign === "PAR1";
}
