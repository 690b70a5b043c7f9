// Numbers, times and durations as people read them. Instants come from the server; `now` is passed in.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : whole.format(value);
}

export function rate(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond >= 1) return `${tenth.format(perSecond)}/s`;
  if (perSecond * 60 >= 1) return `${tenth.format(perSecond * 60)}/min`;
  return `${tenth.format(perSecond * 3600)}/h`;
}

export function percent(share: number | null | undefined, digits = 0): string {
  if (share === null || share === undefined) return "–";
  // Nobody is certain: what rounds to all or nothing says so.
  if (share > 0.999 && share < 1) return "over 99.9 %";
  if (share > 0 && share < 0.001) return "under 0.1 %";
  const written = (share * 100).toFixed(digits);
  const least = (10 ** -digits).toFixed(digits);
  if (share < 1 && Number(written) === 100) return `over ${(100 - Number(least)).toFixed(digits)} %`;
  if (share > 0 && Number(written) === 0) return `under ${least} %`;
  return `${written} %`;
}

export function money(value: number | string | null | undefined, currency: string | null | undefined): string {
  const number = Number(value);
  if (value === null || value === undefined || !Number.isFinite(number)) return "–";
  if (!currency) return tenth.format(number);
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency }).format(number);
  } catch {
    return `${tenth.format(number)} ${currency}`;
  }
}

/** How large something is: 12 kB, 3.4 MB. */
export function size(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return "–";
  if (bytes < 1_000) return `${whole.format(bytes)} bytes`;
  return bytes < 999_500 ? `${whole.format(bytes / 1_000)} kB` : `${tenth.format(bytes / 1_000_000)} MB`;
}

const STEPS: [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** The two largest units: 3 h 20 min. */
export function duration(secs: number | null | undefined): string {
  if (secs === null || secs === undefined || !Number.isFinite(secs)) return "–";
  if (secs < 1) return `${Math.max(0, Math.round(secs * 1000))} ms`;
  let left = Math.round(secs);
  const parts: string[] = [];
  for (const [size, unit] of STEPS) {
    if (parts.length === 1 && left < size) break;
    if (left < size) continue;
    parts.push(`${Math.floor(left / size)} ${unit}`);
    left %= size;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** How long ago, or in how long. A clock that is a little wrong gives "now", never "in 2 s". */
export function since(instant: string | null | undefined, now: number): string {
  if (!instant) return "–";
  const secs = (now - Date.parse(instant)) / 1000;
  if (!Number.isFinite(secs)) return "–";
  if (Math.abs(secs) < 5) return "now";
  const largest = duration(Math.abs(secs)).split(" ").slice(0, 2).join(" ");
  return secs > 0 ? `${largest} ago` : `in ${largest}`;
}

const stamp = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

export function moment(instant: string | null | undefined): string {
  return instant ? stamp.format(new Date(instant)) : "–";
}

/** A day without a time, as the server says it: no zone may move it. */
export function day(text: string | null | undefined): string {
  return text ? date.format(new Date(`${text.slice(0, 10)}T00:00:00Z`)) : "–";
}

const month = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });

/** The month of a day: 2026-11-01 -> Nov 2026. */
export function monthOf(text: string | undefined): string {
  return text ? month.format(new Date(`${text.slice(0, 7)}-01T00:00:00Z`)) : "–";
}

/** The name of something in the wire's form, for people: dead_letters -> Dead letters. */
export function words(name: string): string {
  const text = name.replaceAll(/[_-]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function shortId(id: string): string {
  return id.length > 13 ? `…${id.slice(-8)}` : id;
}
