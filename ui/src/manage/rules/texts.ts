// The words of the screens of rules.

export const TEXTS = {
  title: "Rules",
  note: "What happens by itself. Rules are looked at from the first to the last; each says what it did and why.",
  make: "New rule",
  empty: "No rule yet",
  emptyNote:
    "A rule tags, assigns, answers or calls when something happens. Try it on the past before it is switched on.",
  name: "Name",
  when: "When",
  after: "Looks after, in minutes",
  afterHint: "At once when empty",
  holds: "What must hold",
  holdsNone: "Nothing: it fires each time",
  unless: "Unless",
  unlessNone: "Nothing stops it",
  all: "all of these",
  any: "any of these",
  addCondition: "Add a condition",
  remove: "Remove",
  field: "What",
  op: "How",
  value: "Value",
  severalHint: "Enter after each",
  gone: "Not there any more:",
  goneOne: "Not there any more: choose another",
  noSuchValue: "Nothing is called so",
  unused: "On no ticket at present",
  does: "What it does, in this order",
  addAction: "Add",
  asText: "These conditions stand within each other, so they are shown as text.",
  unreadable: "This is not JSON",
  budget: "At most so often an hour for one ticket",
  save: "Save",
  saved: "Saved",
  on: "On",
  off: "Off",
  noteOn: "It is switched on.",
  noteOff: "It is switched off. The list of rules switches it on.",
  switchOn: "Switch on",
  switchOff: "Switch off",
  isOn: "It is looked at from now on",
  isOff: "It is not looked at any more",
  take: "Take away",
  takeWhat: "The rule is gone. What it did stays in the log.",
  up: "Look at earlier",
  down: "Look at later",
  moved: "The order is changed",
  dryRun: "Try on the past",
  dryRunNote: "Nothing is done. What would have been done is listed, for what is typed here, saved or not.",
  days: "Days back",
  run: "Try",
  runs: "What it did",
  runsNone:
    "It has not fired yet. Each time that it does is listed here, with why. Try it on the past to see when it would have.",
  held: "holds",
  heldNot: "does not hold",
  saveFirst: "Save the rule first, then try it. A new rule is off until it is switched on in the list of rules.",
};

export const EVENTS: Record<string, string> = {
  ticket_created: "a ticket is made",
  message_received: "a customer writes",
  ticket_updated: "a ticket changes",
  tag_added: "a tag is added",
  rating_received: "a customer rates",
  sla_warning: "a promise is about to be broken",
  sla_breach: "a promise is broken",
};

export const OPS: Record<string, string> = {
  is: "is",
  is_not: "is not",
  one_of: "is one of",
  none_of: "is none of",
  all_of: "has all of",
  contains: "contains",
  contains_not: "does not contain",
  at_least: "is at least",
  at_most: "is at most",
  is_set: "is known",
  is_not_set: "is not known",
};

/** Words of fixed lists whose name for people is not the word itself. */
export const VALUES: Record<string, string> = {
  email: "E-mail",
  sms: "SMS",
  whatsapp: "WhatsApp",
  first_response: "First answer",
  next_response: "Next answer",
  resolution: "Resolution",
  first_resolution: "First resolution",
  return: "Return of goods",
  product_question: "Question about a product",
  other: "Something else",
};

/** Parts of a ticket that a change can concern. */
export const CHANGED: Record<string, string> = {
  status: "Where it stands",
  assignee_id: "Whose it is",
  customer_id: "The customer",
  custom: "A field of the shop’s own",
  snoozed_until: "Its sleep",
  is_spam: "Whether it is spam",
  suspended_reason: "Whether it is held back",
};

/** Fields whose name for people is not their own. */
export const FIELDS: Record<string, string> = {
  message: "What was written",
  asks_compensation: "Asks for compensation",
  status: "Where it stands",
  assignee: "Whose it is",
  is_snoozed: "Sleeps",
  opened_by_agent: "Opened by an agent",
  churn_band: "Likely to leave",
  in_business_hours: "Within opening hours",
  changed: "What changed",
  added_tags: "Tags that came",
  clock: "Which promise",
  answered_since: "Answered since",
  customer_wrote_since: "Customer wrote since",
};

/** What each act is called, and what it needs to know. */
export const ACTIONS: Record<string, { name: string; needs: { name: string; label: string; kind: Need }[] }> = {
  add_tags: { name: "Add tags", needs: [{ name: "tags", label: "Tags", kind: "tags" }] },
  remove_tags: { name: "Take tags away", needs: [{ name: "tags", label: "Tags", kind: "tags" }] },
  assign_agent: { name: "Give it to a person", needs: [{ name: "agent_id", label: "Person", kind: "agent" }] },
  assign_department: {
    name: "Give it to a department",
    needs: [{ name: "department", label: "Department", kind: "department" }],
  },
  require_skills: { name: "Only people with skills", needs: [{ name: "skills", label: "Skills", kind: "skills" }] },
  set_priority: { name: "Set the priority", needs: [{ name: "priority", label: "Priority", kind: "priority" }] },
  set_status: { name: "Set where it stands", needs: [{ name: "status", label: "Stands", kind: "status" }] },
  snooze: { name: "Let it sleep", needs: [{ name: "minutes", label: "Minutes", kind: "number" }] },
  reply: { name: "Answer with a macro", needs: [{ name: "macro_id", label: "Macro", kind: "macro" }] },
  note: { name: "Write a note", needs: [{ name: "text", label: "Text", kind: "long" }] },
  notify: {
    name: "Tell a person",
    needs: [{ name: "agent_id", label: "Person; whose it is when empty", kind: "maybe-agent" }],
  },
  call_webhook: { name: "Call another system", needs: [{ name: "url", label: "Address (https)", kind: "text" }] },
};

export type Need =
  | "tags"
  | "skills"
  | "text"
  | "long"
  | "number"
  | "agent"
  | "maybe-agent"
  | "department"
  | "macro"
  | "priority"
  | "status";

/** How a run, or a try, ended. */
export const OUTCOMES: Record<string, string> = {
  fired: "Done",
  failed: "Failed, nothing of it was done",
  over_budget: "Too often: it was switched off",
  invalid: "It names what is gone",
};
