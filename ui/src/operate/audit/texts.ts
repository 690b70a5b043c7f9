// The words of the screen of the trail and the books.

export const TEXTS = {
  title: "Audit",
  note: "Who did what, newest first, and whether the books of jobs agree with what is stored.",
  empty: "Nobody has changed anything yet",
  books: "The books",
  booksFine: "The books agree",
  booksOff: "The books do not agree",
  booksNever: "The books were not counted yet",
};
