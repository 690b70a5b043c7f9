// When a rule tells, in words and as the API takes it.

/** A minute of the day as a clock shows it: 1350 -> 22:30. */
export function clock(minute: number): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

type Times = { quiet_from: number | null; quiet_to: number | null; timezone: string; digest_minutes: number };

/** In a line for each thing that holds messages back. */
export function timesInWords(rule: Times): string[] {
  const lines = [digestInWords(rule.digest_minutes)];
  if (rule.quiet_from !== null && rule.quiet_to !== null) {
    lines.push(`quiet from ${clock(rule.quiet_from)} to ${clock(rule.quiet_to)}, ${rule.timezone}`);
  }
  return lines;
}

function digestInWords(minutes: number): string {
  if (minutes === 0) return "each at once";
  if (minutes === 1_440) return "together, once a day";
  if (minutes % 60 === 0) return minutes === 60 ? "together, every hour" : `together, every ${minutes / 60} hours`;
  return `together, every ${minutes} minutes`;
}

/** What can be chosen; what a rule has already is among it. */
export function digests(known: number): { value: string; label: string }[] {
  const minutes = [...new Set([0, 15, 30, 60, 240, 1_440, known])].sort((one, other) => one - other);
  return minutes.map((each) => ({ value: String(each), label: digestInWords(each) }));
}

/** Every zone of the browser, and the one that is stored. */
export function zones(known: string): string[] {
  return [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC", known])].sort();
}
