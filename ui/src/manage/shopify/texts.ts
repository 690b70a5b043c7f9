// The words of the screen of the shop at Shopify.

export const TEXTS = {
  title: "Shopify",
  note: "Customers, orders, refunds and products of the shop: told by webhooks within seconds, and read again every night for what was missed.",
  connectTitle: "Connect a shop",
  connectNote:
    "You are sent to the shop, where its owner sees what is asked for and agrees. Then everything is read once, which takes minutes to hours.",
  again: "Connect it again",
  domain: "The shop’s own domain",
  domainHint: "It ends with .myshopify.com; the first part of it is enough",
  domainBad: "This is no domain of a shop: letters, digits and dashes before .myshopify.com",
  connect: "Go to the shop",
  cannot: "Shopify cannot be connected now",
  going: "On the way to the shop …",
  connected: "Connected",
  revoked: "Does not let us in any more",
  disconnected: "Not connected",
  revokedTitle: "What this means",
  revokedMeans:
    "The app was removed in the shop, a permission was taken back, or its access has run out. Nothing is read meanwhile, and what waits goes on by itself as soon as the shop is connected again. Orders and customers that came are kept.",
  refused: "The shop was not connected",
  refusedWhy: {
    "401":
      "Its owner did not agree, it took longer than fifteen minutes, or it was begun in another browser. Begin again here.",
    "409":
      "The shop belongs to another account of this installation, or this one has another shop. Disconnect that one first.",
    "503": "Shopify did not answer. Try again in a minute.",
  } as Record<string, string>,
  refusedElse: "What came back from Shopify could not be used. Begin again here.",
  health: "How it stands",
  read: "read to its end",
  neverRead: "never yet",
  webhook: "last webhook",
  noWebhook: "none yet",
  lag: "behind the shop",
  waiting: "webhooks not applied yet",
  refusedOrders: "orders that could not be stored",
  reading: "The last reading",
  readingNow: "A reading is under way",
  readingEmpty: "Nothing was read yet",
  readingEmptyNote: "The first reading begins with the connection.",
  sync: "Read now",
  synced: "It is being read",
  syncedAlready: "A reading is under way already, and goes on",
  disconnect: "Disconnect",
  disconnectTitle: "Disconnect the shop",
  disconnectWhat:
    "Its access is deleted here at once and the shop is asked to forget it. Nothing is read or told any more. Orders and customers that came from it stay; connecting it again reads it from its beginning.",
  gone: "The shop is disconnected",
  privacy: "Requests that the law demands",
  privacyNone: "Shopify has passed on no request of a customer that is still open.",
  privacyNote:
    "When a customer asks the shop for their data or to be forgotten, Shopify tells it here, and it becomes a request under Privacy with its term.",
  privacyLink: "To the requests",
  reads: "What is read",
  readsNote:
    "Products with their categories, customers, orders with lines, discounts, refunds and cancellations. Nothing is written in the shop.",
};

export const RESOURCES: Record<string, string> = { products: "Products", customers: "Customers", orders: "Orders" };
export const PART_STATES: Record<string, string> = {
  waiting: "Waits for the others",
  running: "Being read",
  done: "Read",
  dropped: "Given up",
};
