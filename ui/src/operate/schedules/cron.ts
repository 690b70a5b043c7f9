// The common forms of cron in words; the others are shown as they are written.

const DAYS = ["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"];

export function cronWords(cron: string): string {
  const [minute = "", hour = "", dayOfMonth = "", month = "", weekday = ""] = cron.trim().split(/\s+/);
  const isEveryDay = dayOfMonth === "*" && month === "*" && weekday === "*";
  const step = /^\*\/(\d+)$/.exec(minute);
  if (step && hour === "*" && isEveryDay) return `Every ${step[1]} minutes`;
  if (minute === "*" && hour === "*" && isEveryDay) return "Every minute";
  if (!/^\d+$/.test(minute)) return "At times";
  const past = minute.padStart(2, "0");
  if (hour === "*" && isEveryDay) return `Every hour at :${past}`;
  if (!/^\d+$/.test(hour)) return "At times";
  const time = `${hour.padStart(2, "0")}:${past}`;
  if (isEveryDay) return `Every day at ${time}`;
  if (dayOfMonth === "*" && month === "*" && /^[0-7]$/.test(weekday)) return `${DAYS[Number(weekday) % 7]} at ${time}`;
  if (/^\d+$/.test(dayOfMonth) && month === "*" && weekday === "*") return `Day ${dayOfMonth} of each month at ${time}`;
  return "At times";
}
