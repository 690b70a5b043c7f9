// The words of the screens of deliveries.

export const TEXTS = {
  title: "Deliveries",
  note: "What the help desk sent, what became of it, and what could not be read in it.",
  empty: "Nothing was delivered",
  emptyNote: "Deliveries appear here as soon as the help desk sends one.",
  replay: "Replay",
  replayWhat: "The stored body is taken in once more by today’s rules. The old delivery stays as it is.",
};
