// The words of the shop's own trail.

export const TEXTS = {
  title: "Trail",
  note: "Who did what, and who looked at whose data, newest first.",
  empty: "Nothing like this has happened",
  emptyNote: "Take a filter away to see more.",
  who: "By whom",
  what: "What was done",
  whatHint: "Anything",
  whatNone: "Nothing is called so",
  subject: "To what",
  subjectHint: "Such as ticket:…",
  from: "From",
  to: "Until",
};
