// A time as it is written with its offset: in the zone of the opening hours, not of this browser.

const format = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});

/** 2026-12-24T10:30:00+01:00 -> Thu 24 Dec, 10:30 */
export function local(text: string | null | undefined): string {
  const wall = text?.slice(0, 19);
  return wall ? format.format(new Date(`${wall}Z`)) : "never";
}
