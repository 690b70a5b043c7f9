// The words of the screen of archetypes.

export const TEXTS = {
  title: "Archetypes",
  note: "Kinds of customers that behave alike, found in the shop’s own orders. A number leads to its customers.",
  empty: "No kinds are known yet",
};
