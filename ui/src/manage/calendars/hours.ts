// Opening hours as people write them: 9-12, 13:30-17. An empty field is closed, 24 is the end of the day.

import { DAY_NAMES, DAYS, type Span, type Week } from "./shapes.ts";

/** The spans; undefined for what cannot be read. */
export function readSpans(text: string): Span[] | undefined {
  const parts = text
    .split(/[,;]/)
    .map((part) => part.trim())
    .filter((part) => part !== "" && part.toLowerCase() !== "closed");
  const spans: Span[] = [];
  for (const part of parts) {
    const found = /^(\d{1,2})(?::(\d{2}))?\s*[-–]\s*(\d{1,2})(?::(\d{2}))?$/.exec(part);
    if (!found) return undefined;
    const [from, to] = [clock(found[1], found[2]), clock(found[3], found[4])];
    if (from === undefined || to === undefined || from >= to) return undefined;
    spans.push([from, to]);
  }
  return spans;
}

export function writeSpans(spans: Span[]): string {
  return spans.map(([from, to]) => `${short(from)}–${short(to)}`).join(", ");
}

/** A week in a line: days that are alike stand together. */
export function weekInWords(week: Week): string {
  const groups: { from: number; to: number; text: string }[] = [];
  DAYS.forEach((day, place) => {
    const text = writeSpans(week[day]);
    const last = groups.at(-1);
    if (last && last.text === text) last.to = place;
    else groups.push({ from: place, to: place, text });
  });
  const name = (place: number) => DAY_NAMES[DAYS[place] as (typeof DAYS)[number]].slice(0, 3);
  const open = groups.filter((group) => group.text !== "");
  if (open.length === 0) return "Never open";
  return open
    .map(({ from, to, text }) => `${from === to ? name(from) : `${name(from)}–${name(to)}`} ${text}`)
    .join("; ");
}

function clock(hours: string | undefined, minutes: string | undefined): string | undefined {
  const [h, m] = [Number(hours), Number(minutes ?? "0")];
  if (h > 24 || m > 59 || (h === 24 && m > 0)) return undefined;
  return `${String(h).padStart(2, "0")}:${String(m).padStart(2, "0")}`;
}

function short(time: string): string {
  const [hours = "", minutes = ""] = time.split(":");
  return minutes === "00" ? String(Number(hours)) : `${Number(hours)}:${minutes}`;
}
