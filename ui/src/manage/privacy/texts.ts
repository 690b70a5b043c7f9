// The words of the screens of privacy.

export const TEXTS = {
  title: "Privacy",
  note: "What persons asked: to get what is known of them, or to be forgotten. The law gives 30 days.",
  make: "Take a request in",
  empty: "Nobody has asked",
  emptyNote: "When somebody asks for their data, take it in here; a job does the rest and writes a certificate.",
  kind: "They want",
  customer: "Customer’s number",
  email: "E-mail",
  who: "One of the two is needed: the number, or the e-mail below",
  verification: "How it was proved that it is they who ask",
  verificationHint: "Such as: answered from the address of the order",
  helpDesk: "The connected help desk is to forget them too",
  eraseWhat: "Erasing cannot be taken back. Orders stay as figures without a person.",
  typed: "Type ERASE to go on",
  send: "Begin",
  sent: "It is under way",
  archive: "Archive",
  certificate: "Certificate",
  retention: "How long things are kept",
  retentionNote: "What is older is deleted by the night’s run.",
  days: "Days",
  forever: "for ever",
  save: "Save",
  saved: "Saved",
};

export const KINDS: Record<string, string> = { export: "To get what is known", erase: "To be forgotten" };
