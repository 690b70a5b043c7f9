// The words that several screens share.

import type { Kind } from "../api/problem.ts";

/** What happened, and what a person can do. */
export const FAILURES: Record<Kind, { title: string; advice: string }> = {
  away: {
    title: "The server does not answer",
    advice: "It may be restarting, or the network is down. What you typed is kept. Try again in a moment.",
  },
  slow: {
    title: "The answer takes too long",
    advice: "The server is busy. What was asked for may still be done: look before you ask again.",
  },
  "signed-out": {
    title: "You are signed out",
    advice: "Your session has ended. Sign in again; what you typed is kept.",
  },
  forbidden: {
    title: "You may not do this",
    advice: "Your role does not allow it. Somebody who manages people here can change that.",
  },
  gone: {
    title: "This does not exist",
    advice: "It may have been deleted, or the address is wrong. Go back, or look for it in a list.",
  },
  conflict: {
    title: "Somebody was faster",
    advice: "It is not as it was when you looked. Look at what it is now, and decide again.",
  },
  "not-now": {
    title: "This cannot be done as it is now",
    advice: "The message says why; nothing was changed.",
  },
  invalid: {
    title: "The server cannot use this",
    advice: "Correct what the message names and send it again.",
  },
  "too-many": {
    title: "Too many requests",
    advice: "Wait a little before the next one.",
  },
  broken: {
    title: "Something went wrong in the server",
    advice: "It is not your fault. Try again; if it stays, tell an operator the number below.",
  },
};

export const TEXTS = {
  again: "Try again",
  number: "Number for operators",
  refresh: "Refresh",
  more: "Show more",
  cancel: "Keep it as it is",
  undo: "Undo",
  reason: "Reason",
  reasonHint: "Kept in the audit trail",
  signIn: "Sign in",
};
