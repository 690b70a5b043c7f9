// The words of the screen of drift.

export const TEXTS = {
  title: "Drift",
  note: "After every run the customers’ features are compared with those that the models were trained on. A greater index means that they look less alike; the API’s own verdict says whether that is too much.",
  empty: "Nothing was compared yet",
  emptyNote: "The night’s run compares by itself once a model was trained; the list of models trains one.",
};
