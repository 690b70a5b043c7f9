// The words of the screens of customers.

export const TEXTS = {
  title: "Customers",
  note: "As the published run knows them. A number that you paste leads straight to the customer.",
  empty: "No customer matches",
  emptyNote: "Take a filter away.",
  why: "Find out why",
  whyNote: "Reasons are worked out for a customer when somebody asks: a few seconds.",
  noReasons: "No reason stands out.",
};

export const SORTS = [
  { value: "churn", label: "Most likely to leave" },
  { value: "ltv", label: "Greatest expected spend" },
  { value: "spend", label: "Greatest spend so far" },
  { value: "drift", label: "Changed most" },
];
