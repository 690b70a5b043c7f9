// The words of the screen of archetypes.

export const TEXTS = {
  title: "Archetypes",
  note: "Kinds of customers that behave alike, found in the shop’s own orders. A number leads to its customers.",
  empty: "No kinds are known yet",
  rename: "Another name",
  name: "Name",
  nameHint: "One to four words, and no other kind’s",
  byRules: "Chosen by rules",
  give: "Call it so",
  takeBack: "Back to the name by rules",
  renamed: "The name is changed everywhere",
};
