// Times that people name when they put something off.

export type Later = { name: string; at: Date };

export function laters(now: Date): Later[] {
  const at = (days: number, hour: number) => {
    const time = new Date(now);
    time.setDate(time.getDate() + days);
    time.setHours(hour, 0, 0, 0);
    return time;
  };
  const toMonday = (8 - now.getDay()) % 7;
  return [
    { name: "In an hour", at: new Date(now.getTime() + 3_600_000) },
    { name: "In three hours", at: new Date(now.getTime() + 3 * 3_600_000) },
    { name: "Tomorrow at 9", at: at(1, 9) },
    ...(toMonday > 1 ? [{ name: "Monday at 9", at: at(toMonday, 9) }] : []),
    { name: "In a week at 9", at: at(7, 9) },
  ];
}

/** What a field for a time of this place shows. */
export function local(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
