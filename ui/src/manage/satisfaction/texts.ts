// The words of the screen of satisfaction.

export const TEXTS = {
  title: "Satisfaction",
  note: "What customers said of tickets that were resolved in these days, and how quickly they were helped.",
  empty: "No ticket was resolved in these days",
  emptyNote: "When a ticket is resolved, the customer can be asked; the answers are counted here.",
  none: "None",
};

export const BY: Record<string, string> = {
  day: "By day",
  agent: "By agent",
  team: "By department",
  channel: "By channel",
};
