// Times as people write them: 45, 45 min, 1 h 30 min, 2 d, 1.5 h. A number alone is minutes.

const UNITS: Record<string, number> = {
  d: 1440,
  day: 1440,
  days: 1440,
  h: 60,
  hour: 60,
  hours: 60,
  min: 1,
  m: 1,
  "": 1,
};

/** Whole minutes; null for nothing written, undefined for what cannot be read. */
export function readMinutes(text: string): number | null | undefined {
  const rest = text.trim().toLowerCase();
  if (rest === "") return null;
  const parts = [...rest.matchAll(/(\d+(?:[.,]\d+)?)\s*([a-z]*)\s*/g)];
  if (parts.map((part) => part[0]).join("") !== rest) return undefined;
  let minutes = 0;
  for (const [, number, unit] of parts) {
    const size = UNITS[unit ?? ""];
    if (size === undefined || (unit === "" && parts.length > 1)) return undefined;
    minutes += Number((number ?? "").replace(",", ".")) * size;
  }
  return Number.isInteger(minutes) && minutes > 0 ? minutes : undefined;
}

export function writeMinutes(minutes: number | null | undefined): string {
  if (!minutes) return "";
  const days = minutes % 1440 === 0 && minutes >= 2880 ? minutes / 1440 : 0;
  if (days > 0) return `${days} d`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [hours > 0 ? `${hours} h` : "", rest > 0 ? `${rest} min` : ""].filter(Boolean).join(" ");
}
