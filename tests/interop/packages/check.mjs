// Checks what ours signed with the packages of Svix and Shopify, and lets them sign the same for ours.
//
// usage: node check.mjs OURS THEIRS     reads both, and adds to the second
import { readFileSync, writeFileSync } from "node:fs";
import "@shopify/shopify-api/adapters/node";
import { shopifyApi, LogSeverity } from "@shopify/shopify-api";
import { createSHA256HMAC, HashFormat, setAbstractFetchFunc } from "@shopify/shopify-api/runtime";
import { Webhook } from "svix";

const [ourFile, theirFile] = process.argv.slice(2);
const ours = JSON.parse(readFileSync(ourFile, "utf-8"));
const theirs = JSON.parse(readFileSync(theirFile, "utf-8"));

verifyWebhook(ours.webhook);
const shopify = library(ours.shopify.secret);
await verifyQuery(ours.shopify);
await verifyBody(ours.shopify);
verifyShops(ours.shopify.shops);
await verifyTokens(ours.shopify);
theirs.svix = signWebhook();
theirs.shopify = await signShopify();
writeFileSync(theirFile, JSON.stringify(theirs));
console.log("interop: svix and Shopify's package accept what ours signs");

function check(holds, words) {
  if (!holds) throw new Error(words);
}

function refused(attempt) {
  try {
    attempt();
  } catch {
    return true;
  }
  return false;
}

function library(secret) {
  return shopifyApi({
    apiKey: "interop",
    apiSecretKey: secret,
    apiVersion: ours.shopify.version,
    hostName: "desk.example.com",
    isEmbeddedApp: false,
    logger: { level: LogSeverity.Error },
  });
}

function verifyWebhook(given) {
  const headers = {
    "webhook-id": given.id,
    "webhook-timestamp": given.timestamp,
    "webhook-signature": given.signature,
  };
  for (const secret of given.secrets) {
    new Webhook(secret).verify(given.body, headers);
    check(
      refused(() => new Webhook(secret).verify(`${given.body} `, headers)),
      "svix takes a delivery that was changed",
    );
  }
}

// The way back of an installation: the query as it comes, with its hmac.
async function verifyQuery({ query }) {
  check(await shopify.utils.validateHmac(new URLSearchParams(query)), `Shopify's package refuses ${query}`);
  const changed = new URLSearchParams(query);
  changed.set("shop", "another-shop.myshopify.com");
  check(!(await shopify.utils.validateHmac(changed)), "Shopify's package takes a query that was changed");
}

async function verifyBody({ body, header }) {
  const validate = (rawBody) =>
    shopify.webhooks.validate({
      rawBody,
      rawRequest: {
        method: "POST",
        url: "/api/webhooks/shopify",
        headers: {
          "x-shopify-hmac-sha256": header,
          "x-shopify-topic": "orders/updated",
          "x-shopify-shop-domain": "corner-records.myshopify.com",
          "x-shopify-api-version": ours.shopify.version,
          "x-shopify-webhook-id": "1",
        },
      },
    });
  const accepted = await validate(body);
  check(accepted.valid, `Shopify's package refuses our webhook: ${accepted.reason}`);
  const changed = await validate(`${body} `);
  check(!changed.valid && changed.reason === "invalid_hmac", "Shopify's package takes a webhook that was changed");
}

// Ours takes no host that theirs would refuse; theirs knows some of Shopify's own besides.
function verifyShops(shops) {
  for (const { text, domain } of shops) {
    const theirs = shopify.utils.sanitizeShop(text.trim());
    check(domain === null || theirs?.toLowerCase() === domain, `ours takes ${text} as ${domain}, theirs as ${theirs}`);
  }
}

// The same answer to the same request makes a session there and tokens here.
async function verifyTokens({ tokens, secret }) {
  let asked;
  setAbstractFetchFunc(async (url, request) => {
    asked = { url, body: JSON.parse(request.body) };
    return new Response(JSON.stringify(tokens.answer), {
      status: 200,
      headers: { "content-type": "application/json" },
    });
  });
  const { session } = await shopify.auth.refreshToken({
    shop: "corner-records.myshopify.com",
    refreshToken: "before",
  });
  check(asked.url === "https://corner-records.myshopify.com/admin/oauth/access_token", `it asks at ${asked.url}`);
  const body = { client_id: "interop", client_secret: secret, grant_type: "refresh_token", refresh_token: "before" };
  const text = (pairs) => JSON.stringify(Object.entries(pairs).sort());
  check(text(asked.body) === text(body), `it asks with ${Object.keys(asked.body)}`);
  check(session.accessToken === tokens.access_token, "another access token");
  check(session.refreshToken === tokens.refresh_token, "another refresh token");
  check(session.scope === tokens.scope, "another scope");
  const lasts = (session.expires.getTime() - Date.now()) / 1000;
  check(Math.abs(lasts - tokens.lifetime_secs) < 30, `it lasts ${lasts} s there, ${tokens.lifetime_secs} s here`);
}

function signWebhook() {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const [id, at, body] = ["msg_p5jXN8AQM9LWM0D4loKWxJek", new Date(), '{"test": 2432232314, "text": "ä"}'];
  return {
    secret,
    id,
    timestamp: String(Math.floor(at.getTime() / 1000)),
    signature: new Webhook(secret).sign(id, at, body),
    body,
  };
}

async function signShopify() {
  const [secret, body] = ["another secret", '{"id":820982911946154508,"note":"ä"}'];
  const pairs = {
    code: "0907a61c0c8d55e99db179b68161bc00",
    host: "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmU=",
    shop: "corner-records.myshopify.com",
    state: "0.6784241404160823",
    timestamp: String(Math.floor(Date.now() / 1000)),
  };
  const query = new URLSearchParams(pairs).toString();
  return {
    secret,
    query: `${query}&hmac=${await createSHA256HMAC(secret, query, HashFormat.Hex)}`,
    body,
    header: await createSHA256HMAC(secret, body, HashFormat.Base64),
  };
}
