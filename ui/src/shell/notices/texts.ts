// The words of notices: what a person is told wherever in the app they are.

export const TEXTS = {
  rule_notice: { title: "A rule points you to a ticket", text: "", link: "Open the ticket" },
  reply_failed: {
    title: "A reply of yours did not reach its customer",
    text: "It did not leave, came back, or nobody knows whether it left.",
    link: "Open the ticket",
  },
  rule_invalid: {
    title: "A rule is not run any more",
    text: "It names something that is gone.",
    link: "Look at the rule",
  },
  rule_switched_off: {
    title: "A rule was switched off",
    text: "It fired too often for one ticket.",
    link: "Look at the rule",
  },
  mail_suspended: {
    title: "Mail is held back",
    text: "One sender sends more than is let in.",
    link: "Look at what is held back",
  },
};
