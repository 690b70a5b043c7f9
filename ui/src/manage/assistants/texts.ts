// The words of the screen of assistants.

export const TEXTS = {
  title: "Assistants",
  note: "Assistants and editors that speak the Model Context Protocol ask the shop’s figures by themselves. They only read, see customers by anonymised names, and groups of too few are withheld from them.",
  address: "Where they connect",
  addressNote: "Streamable HTTP, both current revisions of the protocol. A key goes along as a bearer.",
  plain: "This address has no TLS: fine on this machine, not across a network.",
  key: "A key for it",
  keyNote:
    "An assistant needs a key that may read intelligence; looking up single customers and listing segments need one more each.",
  make: "Make a key",
  making: "Make a key for an assistant",
  mayNot: "Somebody who may change settings makes the key.",
  name: "Name",
  nameHint: "Which assistant, whose",
  may: "What it may ask",
  until: "Ends by itself after",
  shown: "This is the key. It is in the configurations below until you leave this page, and never shown again.",
  config: "Configuration to copy",
  client: "Client",
  withKey: "Your new key is in it.",
  withoutKey: "Put the key in the place of YOUR_KEY.",
  tools: "What they can ask",
  toolsNote: "Each tool has variants; clients learn them by themselves.",
  keys: "Keys that may connect",
  keysNote:
    "When a key was last used is noted for everything that it may do, not for assistants alone. Look-ups of customers over the protocol are in the trail.",
  keysEmpty: "No key may connect yet",
  keysEmptyNote: "Make one above; it is shown once.",
  keysHidden: "Who may change settings sees which keys connect.",
  revoke: "Revoke under API keys",
  lookups: "Customers looked up",
  copied: "Copied",
  copy: "Copy",
};

/** Scopes that make sense for an assistant, in the words of what they open. */
export const SCOPES = [
  { scope: "intelligence:read", label: "Figures of customers, segments, categories, forecasts, campaigns" },
  { scope: "customers:read", label: "Looking up one customer by anonymised name" },
  { scope: "segments:read", label: "The list of the shop’s own segments" },
];
