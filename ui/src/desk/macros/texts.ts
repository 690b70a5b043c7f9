// The words of using a macro on a ticket.

export const TEXTS = {
  title: "Use a macro",
  search: "Search the macros",
  searchHint: "Arrow keys choose, Enter takes. Words of the name, the folder or the text are found.",
  none: "No macro yet",
  noneNote: "What is answered again and again is worth one.",
  make: "Make one",
  notFound: "No macro has all of these words",
  notFoundNote: "Fewer words, or the beginning of one, find more.",
  text: "What the customer gets",
  unfilled: "Nothing is known for these here. Write what belongs there, or take them out:",
  beside: "What happens beside",
  besideNone: "Nothing: it only answers.",
  mayNotAssign: "It gives the ticket to somebody, which your role does not allow. Its text alone can be used.",
  back: "Another macro",
  onlyText: "Only the text, into the reply",
  send: "Send",
  sendAndDo: "Send, and do it",
  done: "Done beside",
  notDone: "Not done, because the reply cannot leave",
  stays: "What the macro did beside stays",
};
