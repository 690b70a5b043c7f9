// The words of the screen of the trail and the books.

export const TEXTS = {
  title: "Audit",
  note: "Who did what, newest first, and whether the books of jobs agree with what is stored.",
  empty: "Nobody has changed anything yet",
  emptyNote: "Who pauses a queue, tries a dead letter again or changes a setting is listed here with the time.",
  books: "The books",
  booksFine: "The books agree",
  booksOff: "The books do not agree",
  booksNever: "The books were not counted yet",
};
