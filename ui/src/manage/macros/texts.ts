// The words of the screens of macros.

export const TEXTS = {
  title: "Macros",
  note: "Answers that are written once, in each language, and what happens to the ticket beside.",
  make: "New macro",
  empty: "No macro yet",
  emptyNote: "What is answered again and again is worth one.",
  search: "Search",
  name: "Name",
  folder: "Folder",
  language: "Language of tickets whose own has no text",
  ofText: "Language",
  noLanguage: "No language is called so",
  text: "Text",
  addLanguage: "Add a language",
  variables: "Variables, put in at the cursor’s place by typing them",
  save: "Save",
  saved: "Saved",
  take: "Take away",
  takeWhat: "Rules that answer with it are not run any more until they name another.",
  unreadable: "A name, and a text for each language",
};
