// The words of the screens of customers.

export const TEXTS = {
  title: "Customers",
  note: "As the published run knows them. A number, an address or a name leads straight to the customer.",
  empty: "No customer matches",
  emptyNote: "Take a filter away.",
  find: "Number, address or name, Enter",
  nobody: "Nobody has this number, address or name.",
  several: "Whom of these?",
  why: "Find out why",
  whyNote: "Reasons are worked out for a customer when somebody asks: a few seconds.",
  noReasons: "No reason stands out.",
  undivided: "Divides nobody in this shop",
  merged: "This customer was merged into another",
};

export const SORTS = [
  { value: "churn", label: "Most likely to leave" },
  { value: "ltv", label: "Greatest expected spend" },
  { value: "spend", label: "Greatest spend so far" },
  { value: "drift", label: "Changed most" },
];
