// The words of the agent's workspace.

export const TEXTS = {
  live: "Live",
  catchingUp: "Catching up",
  stale: "Stale since",
  queue: "Queue",
  conversation: "Conversation",
  customer: "Customer",
  back: "To the queue",
  search: "Search all tickets",
  noneTitle: "Nothing here",
  none: {
    all: "No open ticket. What customers write next appears here.",
    mine: "No ticket is yours. Take one from Unassigned, or with the key for it in a ticket.",
    unassigned: "Every open ticket has somebody.",
    waiting: "Nobody waits for an answer.",
    risk: "No clock is about to run out.",
    overdue: "No clock has run out.",
    asleep: "No ticket sleeps.",
    done: "No ticket was resolved yet.",
    search: "No ticket has all these words. Fewer words, or the beginning of one, find more.",
  } as Record<string, string>,
  compose: "New ticket",
  about: "Whom it is about",
  setAddress: "Set the address",
  pick: "Choose a ticket",
  pickNote: "The queue is ordered by what matters: how long somebody waits, what is due, who asks.",
  left: "No longer in this view",
  why: "Why here",
  whyNone: "It gets its place when it was looked at for the first time.",
  reply: "Reply",
  note: "Note",
  replyHint: "The customer gets this.",
  noteHint: "Only colleagues see this.",
  send: "Send",
  sendResolve: "Send and resolve",
  addNote: "Add note",
  sendLater: "Send later",
  kept: "Kept",
  keeping: "Keeping…",
  notKept: "Kept in this tab only: the server does not take it now",
  newTitle: "Something new came while you wrote",
  newNote: "Your text is kept. Read what is new, then send again or change it.",
  sendAnyway: "I have read it, send",
  unfilledTitle: "A variable without its value stands in the text",
  unfilledNote: "The customer would get it as it is written. Write what belongs there, or take it out:",
  sendUnfilled: "Send it as it is",
  otherTitle: "You wrote another text elsewhere",
  otherNote: "Another window of yours changed the text for this ticket.",
  takeOther: "Take that one",
  keepThis: "Keep this one",
  sent: "The reply leaves in ten seconds",
  notSent: {
    no_mailbox: "Not sent: no mailbox is connected. The text is kept in the ticket.",
    no_mail_server: "Not sent: no mailbox has a mail server. The text is kept in the ticket.",
    no_address: "Not sent: the customer's address is not known. The text is kept in the ticket.",
    overtaken: "Not sent: the conversation went on before its time. The text is kept in the ticket.",
  } as Record<string, string>,
  staysOpen: "The ticket stays as it is.",
  sendAgain: "Send again",
  leavesAgain: "The reply is on its way again",
  mailboxes: "Connect a mailbox",
  noteAdded: "The note is there",
  draft: "Draft",
  draftStale: "Written before the last message: it cannot be used as it is.",
  draftNone: "No draft yet.",
  draftUse: "Take over and edit",
  draftSend: "Send as it is",
  draftAgain: "Write another",
  draftNotWritten: "No draft was written:",
  draftWriting: "A draft is being written…",
  draftArticles: "Articles of the draft",
  draftUses: "Uses",
  draftHad: "Fits as well, not used",
  draftRemarks: "Remarks on the draft",
  draftMet: "Something new came before the draft was sent: it is shown above. The draft stays as it is.",
  advice: "What to do",
  adviceMaking: "Advice is being made…",
  stranger: "The shop does not know this customer.",
  merged: "This ticket went on in another one.",
  carried: "This ticket went on in another one. What you made of the macro stands in the reply there.",
  pending: {
    reading: "What the customer writes is not read by the machine yet",
    draft: "The draft is not written yet",
    help_desk: "The help desk has not heard of the last change yet",
  } as Record<string, string>,
  erased: "The customer was erased. Nobody can be answered here, and there is nothing to advise.",
  file: "Attach files",
  macro: "Use a macro",
  answerLeaves: "The answer is on its way",
  answerStays: "Answered, and it cannot leave",
};

/** What is not done by then is said. */
const LATE_MS = 60_000;

/** How a message on its way is called. */
export const DELIVERY: Record<string, string> = {
  scheduled: "Scheduled",
  queued: "On its way",
  sent: "Sent",
  failed: "Not sent",
  bounced: "Came back",
  unsure: "Nobody knows whether it left",
  withdrawn: "Taken back",
};

/** What a row says of a last reply that its customer does not have. */
const REPLY_FAULTS: Record<string, string> = {
  failed: "Reply not sent",
  bounced: "Reply came back",
  unsure: "Reply may not have left",
};

/** The mark of a ticket whose last reply its customer does not have; null of any other. */
export function replyFault(fault: string | null | undefined): string | null {
  return fault ? (REPLY_FAULTS[fault] ?? "Reply not received") : null;
}

/** What takes longer than it should; replies speak for themselves. */
export function pendingWords(pending: { what: string; since: string }[] | undefined, now: number): string[] {
  const late = (pending ?? []).filter((one) => TEXTS.pending[one.what] && now - Date.parse(one.since) > LATE_MS);
  return [...new Set(late.map((one) => TEXTS.pending[one.what] as string))];
}

/**
 * What is said of a reply that has no way to leave; null of one that has. `wanted` is what the ticket was to become with it:
 * what nobody gets resolves nothing.
 */
export function sentWords(lacks: string | null | undefined, wanted?: string): string | null {
  if (!lacks) return null;
  const words = TEXTS.notSent[lacks] ?? "Not sent. The text is kept in the ticket.";
  return wanted ? `${words} ${TEXTS.staysOpen}` : words;
}
