// The words of the screens of segments.

export const TEXTS = {
  title: "Segments",
  note: "Customers for whom a rule holds, found anew after every run.",
  empty: "There is no segment yet",
  emptyNote: "A segment is a rule, such as “bought once, in the last two months”.",
  make: "New segment",
  name: "Name",
  description: "What it is for",
  save: "Save segment",
  change: "Change the rule",
  archive: "Put away",
  archiveWhat: "Its history stays, its members go, and its name is free for another segment.",
  evaluate: "Find members now",
  counting: "Counting …",
};
