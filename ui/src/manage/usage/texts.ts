// The words of the screen of models’ use and budget.

export const TEXTS = {
  title: "AI use",
  note: "What models were asked for and what they cost, in US dollars by the prices that were set, days in UTC. Only calls that were answered cost.",
  days: "Days",
  feature: "For what",
  any: "Everything",
  measure: "Draw",
  spent: "Spent this month",
  calls: "Calls",
  tokens: "Tokens",
  hits: "Read from the cache",
  byFeature: "By feature",
  byDay: "By day",
  empty: "No model was asked in these days",
  emptyNote:
    "Without a key for one, or with nothing left of the budget, questions, drafts and readings are made by built-in ways, which cost nothing.",
  budget: "Budget",
  edit: "Change",
  editTitle: "Budget and limits",
  mayNot: "Somebody who may change settings changes it.",
  noLimit: "No limit",
  limit: "A month may cost at most, in US dollars",
  limitRange: "must be 0 to 1,000,000",
  limitHint: "0 asks no model at all. The month is a calendar month in UTC.",
  hasLimit: "There is a limit",
  warn: "Warn from, in percent of it",
  rounds: "Rounds with the model for one question",
  roundsHint: "1 to 12; each may cost",
  smallest: "Smallest group that is told of",
  smallestHint: "2 to 100 customers; smaller groups are withheld from answers and assistants",
  save: "Save",
  saved: "The budget is changed",
  fine: "Within the budget",
  warning: "Most of the budget is used up",
  warningNote: "Answers carry a warning until the month ends.",
  stop: "The budget is used up",
  stopNote: "No model is asked until the budget is raised or the month ends; built-in ways do the work.",
  unlimited: "Nothing limits what models may cost.",
};

export const FEATURES: Record<string, string> = {
  answer_question: "Answering questions",
  draft_reply: "Drafting replies",
  analyze_message: "Reading messages",
  recommend_actions: "Advice for agents",
};

export const SPANS = [
  { value: "7", label: "a week" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "366", label: "a year" },
];

export const MEASURES = [
  { value: "cost", label: "Cost" },
  { value: "calls", label: "Calls" },
  { value: "tokens", label: "Tokens" },
];
