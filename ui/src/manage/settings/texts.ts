// The words of the settings.

export const TEXTS = {
  title: "Settings",
  note: "How the shop’s desk behaves. A change holds at once.",
  assignment: "How work is given out",
  automatic: "Tickets that nobody has are given out by themselves",
  offline: "When somebody goes offline, this is offered again",
  grace: "After, in seconds",
  relax: "A ticket goes also to people without its skills after, in seconds",
  newcomer: "Who begins a shift gets at once, in units",
  every: "And as many again every, in seconds",
  tickets: "How tickets behave",
  final: "Days until a resolved ticket is final",
  finalHint: "0 to 365; what a customer writes later opens a new one",
  undo: "Seconds in which a reply can be taken back",
  undoHint: "0 to 600",
  languages: "Languages of the search",
  languagesHint: "Four at most",
  revenue: "Which orders are revenue",
  revenueNote: "All figures of customers count by it. Changing it counts all orders anew.",
  recounting: "All orders are being counted anew",
  fields: "Fields of your own",
  fieldsNote: "Tickets carry them beside what every ticket has.",
  fieldsNone: "None yet",
  addField: "Add a field",
  fieldKey: "Short name",
  fieldKeyHint: "a–z, 0–9 and _; it cannot be changed later",
  fieldLabel: "Name for people",
  fieldKind: "Kind",
  choices: "Choices",
  archive: "Archive",
  archived: "takes no new values",
  save: "Save",
  saved: "Saved",
};

export const OFFLINE: Record<string, string> = {
  waiting: "what a customer waits for",
  all: "all their open work",
  none: "nothing",
};

export const REVENUE: Record<string, string> = {
  paid: "What was paid, or of which it is not said",
  fulfilled: "What was sent",
  placed: "All orders",
};

export const FIELD_KINDS: Record<string, string> = {
  text: "Text",
  number: "Number",
  boolean: "Yes or no",
  date: "Date",
  choice: "One of a list",
};
