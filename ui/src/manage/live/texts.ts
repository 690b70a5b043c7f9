// The words of the live desk.

export const TEXTS = {
  title: "Live desk",
  note: "How the desk stands at this moment. Every number leads to its tickets.",
  backlog: "open and pending tickets",
  unassigned: "of nobody",
  risk: "about to be late",
  late: "late now",
  csat: "of customers who answered were satisfied, in 7 days",
  people: "Who is there",
  nobody: "Nobody is there",
  nobodyNote: "Tickets wait until somebody begins a shift.",
  next: "What runs out first",
  none: "Nothing is about to be late",
  waiting: "Of nobody, in the order in which they are given out",
  noneWaiting: "Every ticket has somebody",
};
