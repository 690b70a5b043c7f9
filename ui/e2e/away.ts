// What a shop has elsewhere, at the address that the cluster of the tests knows: a shop at Shopify whose owner agrees or not, a
// help desk whose tickets change, and files.

import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { URL } from "./api.ts";

export const SHOP = "corner-records.myshopify.com";
export const STUB = process.env.DESK_AWAY_STUB ?? "127.0.0.1:8091";
const SECRET = process.env.SHOPIFY_CLIENT_SECRET ?? "";

export type Ticket = { id: number; subject: string; name: string; email: string; tags: string[]; text: string };

export type Away = {
  /** Whether the shop takes our tokens. */
  admits: (does: boolean) => void;
  /** Whether files of a first reading are still being written. */
  writes: (does: boolean) => void;
  /** Puts a ticket into the help desk, or what it has become. */
  ticket: (ticket: Ticket) => void;
  /** Puts a file at a path; none takes it away. */
  file: (name: string, text: string | null) => string;
  close: () => Promise<void>;
};

type Answer = { status?: number; json?: unknown; html?: string; text?: string };

const CUSTOMERS = [
  { id: 501, first: "Amara", email: "amara@example.com" },
  { id: 502, first: "Jonas", email: "jonas@example.com" },
  { id: 503, first: "Elif", email: "elif@example.com" },
];
const PRODUCTS = ["Blue Train", "Kind of Blue", "Head Hunters", "Mingus Ah Um"];
/** Orders of the shop, each of one line; the last has no line that can be stored. */
const ORDERS = 12;

export async function away(): Promise<Away> {
  const tickets = new Map<number, Ticket & { updated: string }>();
  const files = new Map<string, string>();
  const bulks: string[] = [];
  let [isAdmitting, isWriting] = [true, false];
  let issued = 0;

  const shopify = (path: string, request: IncomingMessage, body: string): Answer => {
    if (path.endsWith("/oauth/authorize")) return agreement(request.url ?? "");
    if (path.endsWith("/oauth/access_token")) {
      // A shop that does not take us any more takes no refresh token either; a code is its owner's new word.
      if (!isAdmitting && body.includes("refresh_token=")) return { status: 401, json: { error: "invalid_grant" } };
      issued += 1;
      const tokens = { access_token: `shpat_${issued}`, refresh_token: `shprt_${issued}` };
      return { json: { ...tokens, expires_in: 3_600, scope: "read_orders" } };
    }
    if (path.endsWith("/api_permissions/current.json")) return {};
    if (!isAdmitting) return { status: 401, json: { errors: "[API] Invalid API key or access token" } };
    const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, string> };
    return { json: { data: graph(query, variables), extensions: { cost: COST } } };
  };
  const graph = (query: string, variables: Record<string, unknown>): unknown => {
    const name = /^(?:query|mutation) (\w+)/.exec(query)?.[1];
    if (name === "subscriptions") return { webhookSubscriptions: { nodes: [] } };
    if (name === "subscribe") {
      return { webhookSubscriptionCreate: { webhookSubscription: { id: "1" }, userErrors: [] } };
    }
    if (name === "run") {
      const nodes = String(variables.query).includes("orders(") ? orders().flatMap(linesOf) : customers();
      bulks.push(nodes.map((node) => `${JSON.stringify(node)}\n`).join(""));
      const bulkOperation = { id: `gid://shopify/BulkOperation/${bulks.length}`, status: "CREATED" };
      return { bulkOperationRunQuery: { bulkOperation, userErrors: [] } };
    }
    if (name === "bulk") {
      const number = Number(String(variables.id).split("/").pop());
      const text = bulks[number - 1] ?? "";
      const done = { fileSize: String(text.length), url: `http://${STUB}/bulk/${number}` };
      const node = { id: variables.id, objectCount: "1", errorCode: null };
      return { node: { ...node, ...(isWriting ? { status: "RUNNING" } : { status: "COMPLETED", ...done }) } };
    }
    if (name === "nodes") {
      const wanted = (variables.ids as string[]) ?? [];
      return { nodes: wanted.map((id) => orders().find((order) => order.id === id) ?? null) };
    }
    const pageInfo = { hasNextPage: false, endCursor: null };
    if (query.includes("products(")) return { products: { nodes: products(), pageInfo } };
    // What was changed since the last reading: nothing.
    return query.includes("orders(") ? { orders: { nodes: [], pageInfo } } : { customers: { nodes: [], pageInfo } };
  };
  const desk = (path: string, method: string, body: string): Answer => {
    const [, id, part] = /^\/tickets(?:\/(\d+))?(?:\/(\w+))?/.exec(path) ?? [];
    if (path.startsWith("/messages")) return { json: list(messages(tickets.values().next().value)) };
    if (!id) return { json: list([...tickets.values()].map(document)) };
    const ticket = tickets.get(Number(id));
    if (part === "messages") {
      if (method !== "POST") return { json: list(messages(ticket)) };
      return { status: 201, json: { id: 900_000, ...JSON.parse(body) } };
    }
    if (!ticket) return { status: 404, json: { error: { msg: "there is no such ticket" } } };
    return { status: method === "GET" ? 200 : 202, json: document(ticket) };
  };

  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts).toString();
      const path = new globalThis.URL(request.url ?? "/", `http://${STUB}`).pathname;
      const of = (beginning: string) => path.slice(beginning.length);
      const served = (text: string | undefined): Answer => (text === undefined ? { status: 404 } : { text });
      let answer: Answer = { status: 404 };
      if (path.startsWith("/shops/")) answer = shopify(of("/shops"), request, body);
      else if (path.startsWith("/desk/")) answer = desk(of("/desk"), request.method ?? "GET", body);
      else if (path.startsWith("/bulk/")) answer = served(bulks[Number(of("/bulk/")) - 1]);
      else if (path.startsWith("/files/")) answer = served(files.get(of("/files/")));
      const type = answer.html ? "text/html" : answer.text ? "text/csv" : "application/json";
      response.writeHead(answer.status ?? 200, { "Content-Type": `${type}; charset=utf-8` });
      response.end(answer.html ?? answer.text ?? JSON.stringify(answer.json ?? {}));
    });
  });
  const [host, port] = STUB.split(":");
  await new Promise<void>((listening, failed) => server.once("error", failed).listen(Number(port), host, listening));
  // A test that failed before it closed it does not keep the program.
  server.unref();
  return {
    admits: (does) => {
      isAdmitting = does;
    },
    writes: (does) => {
      isWriting = does;
    },
    ticket: (ticket) => tickets.set(ticket.id, { ...ticket, updated: new Date().toISOString() }),
    file: (name, text) => {
      if (text === null) files.delete(name);
      else files.set(name, text);
      return `http://${STUB}/files/${name}`;
    },
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

const COST = {
  requestedQueryCost: 10,
  actualQueryCost: 10,
  throttleStatus: { maximumAvailable: 20_000, currentlyAvailable: 19_990, restoreRate: 1_000 },
};

/** What an owner is asked: one way back with a code, and one without. */
function agreement(url: string): Answer {
  const asked = new globalThis.URL(url, `http://${STUB}`).searchParams;
  const back = (code: string[]) => `${asked.get("redirect_uri")}?${signed([...code, `state=${asked.get("state")}`])}`;
  return {
    html: `<!doctype html><link rel="icon" href="data:,"><title>Install</title><h1>Install Deskwork?</h1>
      <a href="${back(["code=good"])}">Install app</a> <a href="${back([])}">Cancel</a>`,
  };
}

/** The query that a browser comes back with, as Shopify signs it. */
export function signed(pairs: string[]): string {
  const all = [...pairs, `shop=${SHOP}`, `timestamp=${Math.floor(Date.now() / 1000)}`];
  const text = [...all].sort().join("&");
  return `${all.join("&")}&hmac=${createHmac("sha256", SECRET).update(text).digest("hex")}`;
}

/** Tells the api of an order as the shop does, that it changed a moment ago. */
export async function told(order: number, agoMs: number) {
  const body = JSON.stringify({ id: order, refund: null, order_id: order });
  const response = await fetch(`${URL}/api/webhooks/shopify`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-Shopify-Shop-Domain": SHOP,
      "X-Shopify-Topic": "refunds/create",
      "X-Shopify-Event-Id": `e${order}`,
      "X-Shopify-Triggered-At": new Date(Date.now() - agoMs).toISOString(),
      "X-Shopify-Hmac-Sha256": createHmac("sha256", SECRET).update(body).digest("base64"),
    },
    body,
  });
  if (!response.ok) throw new Error(`the webhook: ${response.status} ${await response.text()}`);
}

function gid(kind: string, id: number): string {
  return `gid://shopify/${kind}/${id}`;
}

/** The same moments each time, within the months that the tests' other purchases have. */
function at(place: number): string {
  return new Date(Date.now() - (place + 1) * 86_400_000).toISOString();
}

function products() {
  return PRODUCTS.map((title, place) => ({
    id: gid("Product", 700 + place),
    title,
    productType: "Records",
    updatedAt: at(100),
    category: null,
    collections: { nodes: [{ title: "Jazz" }] },
  }));
}

function customers() {
  return CUSTOMERS.map(({ id, first, email }) => ({
    id: gid("Customer", id),
    firstName: first,
    lastName: null,
    createdAt: at(90),
    updatedAt: at(90),
    defaultEmailAddress: { emailAddress: email },
    defaultPhoneNumber: null,
  }));
}

function orders() {
  const known = customers();
  return Array.from({ length: ORDERS }, (_, place) => ({
    id: gid("Order", 9_000 + place),
    name: `#${1_001 + place}`,
    createdAt: at(place),
    processedAt: at(place),
    updatedAt: at(place),
    cancelledAt: null,
    test: false,
    email: null,
    phone: null,
    currencyCode: "USD",
    displayFinancialStatus: "PAID",
    displayFulfillmentStatus: "FULFILLED",
    customer: known[place % known.length],
    fulfillments: [],
    refunds: [],
    lineItems: { nodes: [lineOf(place)], pageInfo: { hasNextPage: false, endCursor: null } },
  }));
}

function lineOf(place: number) {
  return {
    id: gid("LineItem", 20_000 + place),
    title: PRODUCTS[place % PRODUCTS.length],
    sku: null,
    quantity: 1,
    currentQuantity: 1,
    product: { id: gid("Product", 700 + (place % PRODUCTS.length)) },
    originalTotalSet: { shopMoney: { amount: `${20 + place}.00`, currencyCode: "USD" } },
    discountAllocations: [],
  };
}

/** An order in a bulk operation's file: itself, and what belongs to it. */
function linesOf(order: ReturnType<typeof orders>[number]) {
  const { lineItems, ...head } = order;
  return [head, ...lineItems.nodes.map((line) => ({ ...line, __parentId: order.id }))];
}

function list(data: unknown[]) {
  return { object: "list", data, meta: { next_cursor: null } };
}

function document({ id, subject, tags, updated, name, email }: Ticket & { updated: string }) {
  return {
    id,
    subject,
    status: "open",
    channel: "email",
    via: "email",
    spam: false,
    trashed_datetime: null,
    snooze_datetime: null,
    tags: tags.map((tag) => ({ name: tag })),
    updated_datetime: updated,
    customer: { id, name, email, external_id: null },
  };
}

function messages(ticket: (Ticket & { updated: string }) | undefined) {
  if (!ticket) return [];
  const { id, text, name, email, updated } = ticket;
  const said = {
    channel: "email",
    via: "email",
    from_agent: false,
    public: true,
    body_text: text,
    stripped_text: text,
  };
  return [{ ...said, id: id * 10, ticket_id: id, sender: { id, name, email }, created_datetime: updated }];
}
