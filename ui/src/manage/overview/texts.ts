// The words of the manager's overview.

export const TEXTS = {
  title: "Overview",
  empty: "Nothing is known of the customers yet",
  emptyNote: "Import the shop’s orders: a run that begins when they are in finds out the rest.",
  run: "Start a run",
  runWhat:
    "All customers are put into segments and scored anew, as every night. Readers see the old figures until it is done.",
  risk: "How likely they are to leave",
  kinds: "The largest kinds of customers",
};
