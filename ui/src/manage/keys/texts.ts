// The words of the screen of API keys.

export const TEXTS = {
  title: "API keys",
  note: "What programs sign in with. A key may do what it names and nothing else; nobody gives one what they do not have.",
  make: "New key",
  empty: "No key yet",
  emptyNote: "A shop system or a report that reads by itself needs one.",
  name: "Name",
  nameHint: "What will use it",
  may: "What it may do",
  until: "Ends by itself after",
  shown: "This is the key. It is shown now and never again.",
  done: "Done",
  revoke: "Revoke",
  revokeWhat: "Whatever uses the key is refused within 30 s. This has no way back: a new key has another text.",
  revoked: "The key is revoked",
};

export const SPANS = [
  { value: "", label: "never" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "a year" },
];
