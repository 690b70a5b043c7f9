// The words of the screens of promises.

export const TEXTS = {
  title: "Promises",
  note: "How answers and solutions kept to what was promised, by the day on which they came. Every number leads to its tickets.",
  empty: "Nothing was answered in these days",
  emptyNote: "Choose more days, or come back when tickets were answered.",
  days: "Days",
  what: "What",
  kept: "kept in time",
  median: "half of them took at most",
  p90: "nine of ten took at most",
  late: "are past their time now",
  trend: "Day by day",
  backlog: "Open at the end of each day",
  clocks: "Tickets behind a number",
  atRisk: "At risk",
  breaches: "Past their time",
  ended: "Ended",
  noClocks: "No ticket is like this",
  noRisk: "Nothing is about to be late",
  noBreach: "Nothing is late",
};

export const BY: Record<string, string> = {
  department: "By department",
  agent: "By agent",
  priority: "By priority",
  channel: "By channel",
};
