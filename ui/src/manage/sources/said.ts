// What is said of a source: what its readings brought, when, and why one is not read.

export type Imported = {
  orders_inserted: number;
  orders_replaced: number;
  orders_unchanged?: number;
  rejected: number;
};

/** A fault as the API tells it: a sentence, and behind it in brackets the code of it. */
export type Fault = { sentence: string; code: string | null };

export function faultOf(text: string): Fault {
  const parts = /^(.*?)\s*\(code ([A-Za-z0-9_]+)\)$/s.exec(text.trim());
  const sentence = (parts?.[1] ?? text.trim()).replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
  return { sentence: sentence.replace(/([^.!?])$/, "$1."), code: parts?.[2] ?? null };
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** What an import did to the orders, the most important first; what did not happen is left out, unless nothing did. */
export function brought(result: Imported): string[] {
  const lines: [number | undefined, string][] = [
    [result.orders_inserted, "added"],
    [result.orders_replaced, "changed"],
    [result.rejected, result.rejected === 1 ? "line refused" : "lines refused"],
  ];
  const said = lines.flatMap(([count, what]) => (count ? [`${whole.format(count)} ${what}`] : []));
  const same = result.orders_unchanged ?? 0;
  if (same > 0) said.push(`${whole.format(same)} as before`);
  return said.length > 0 ? said : ["nothing had changed"];
}

export function rowsRead(rows: number): string {
  return `${whole.format(rows)} ${rows === 1 ? "row" : "rows"} read`;
}

/** A moment where the shop is, with its zone: 29 Nov 2026, 02:10 (Europe/Berlin). One that is not known here is UTC. */
export function inShop(instant: string | null | undefined, zone: string | null | undefined): string {
  if (!instant) return "–";
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return "–";
  const known = isZone(zone) ? zone : "UTC";
  const written = new Intl.DateTimeFormat("en-GB", {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: known,
  }).format(at);
  return `${written} (${known})`;
}

function isZone(zone: string | null | undefined): zone is string {
  if (!zone) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
