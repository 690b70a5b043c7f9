// The words of the screen of dead letters.

export const TEXTS = {
  title: "Dead letters",
  note: "Jobs that failed for good, by cause, the most frequent first. Retry a few as a canary: the rest follows only when none of them dies again.",
  empty: "No job is dead",
  emptyNote: "What fails for good appears here by its cause.",
  retry: "Retry",
  discard: "Discard",
  retryWhat: "Every job of this selection gets all its attempts again.",
  discardWhat: "Every job of this selection ends as cancelled. This cannot be taken back.",
  canary: "Canary: how many first",
  canaryHint: "0 retries all at once. When one of the first dies again, the rest is left alone.",
  everything: "Without a filter this means every dead job of every tenant that you may see.",
};
