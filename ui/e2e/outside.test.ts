// A manager's journeys with other systems: an endpoint gets what it asked for, signed, and once more; one that gave up is
// called again; the catalogue is read and copied; a channel in Slack is told; a role that may not.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { api, post } from "./api.ts";
import { findings } from "./axe.ts";
import { launch, open, settle } from "./browser.ts";
import { archive, desk } from "./desk.ts";
import { BEN, MAY } from "./people.ts";
import { isSignedWith, receiver } from "./receiver.ts";
import { slack } from "./slack.ts";

let browser: Browser;
before(async () => {
  await desk();
  browser = await launch();
});
after(() => browser.close());

async function comes(priority: string): Promise<string> {
  const made = await post<{ id: string }>("/api/tickets", {
    subject: `For others ${Date.now()}`,
    channel: "email",
    priority,
    customer: { email: "other@example.com" },
    message: { from: "customer", text: "Hello?" },
  });
  return made.id;
}

/** Makes an endpoint in the page that is open and answers its secret. */
async function makes(page: Page, url: string, events: string[]): Promise<string> {
  await page.getByRole("button", { name: "New endpoint" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^Address/).fill(url);
  for (const event of events) await dialog.getByRole("checkbox", { name: event, exact: true }).check();
  assert.deepEqual(await findings(page), [], "axe, the dialog");
  await dialog.getByRole("button", { name: "New endpoint" }).click();
  const secret = await dialog.locator("code").innerText();
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.locator("button:focus", { hasText: "New endpoint" }).waitFor();
  return secret;
}

/** The rows of a list of deliveries that are of an event and stand so. */
const rowsOf = (page: Page, type: string, state: string) =>
  page.getByRole("row", { name: new RegExp(`${type.replace(".", "\\.")}.*${state}`) });

test("an endpoint gets what it asked for, signed with the secret that was shown once, and once more on demand", async () => {
  const there = await receiver();
  const url = there.url("/orders");
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/webhooks");
  await settle(page);
  const secret = await makes(page, url, ["ticket.created"]);
  assert.match(secret, /^whsec_/);
  assert.ok(!(await page.content()).includes(secret), "shown once");
  // By keys: the newest is the first row.
  await page.getByRole("link", { name: url }).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: new URL(url).host }).waitFor();
  await settle(page);

  await page.getByRole("button", { name: "Send a test" }).focus();
  await page.keyboard.press("Enter");
  const tested = await there.next("/orders", "webhook.test");
  assert.ok(isSignedWith(secret, tested));
  await rowsOf(page, "webhook.test", "Delivered").waitFor();

  const ticket = await comes("normal");
  const came = await there.next("/orders", "ticket.created", ticket);
  assert.ok(isSignedWith(secret, came));
  await rowsOf(page, "ticket.created", "Delivered").getByRole("link").press("Enter");
  await page.getByRole("heading", { level: 1, name: "Delivery" }).waitFor();
  await settle(page);
  await page.getByRole("region", { name: "What is sent" }).getByText(ticket).waitFor();
  const answers = page.getByRole("region", { name: "Requests and answers" });
  await answers.getByText('{"ok":true}').waitFor();
  await answers.getByText("Headers that were sent").click();
  await answers.getByText(new RegExp(String(came.headers["webhook-id"]))).waitFor();
  assert.ok(!(await page.content()).includes(String(came.headers["webhook-signature"])), "no signature is kept");
  assert.deepEqual(await findings(page), [], "axe, a delivery");
  await page.getByRole("button", { name: "Send again" }).click();
  const again = await there.next("/orders", "ticket.created", ticket);
  assert.equal(again.headers["webhook-id"], came.headers["webhook-id"], "the same event");

  await page.goBack();
  await settle(page);
  await page.getByRole("button", { name: /^More/ }).click();
  await page.getByRole("menuitem", { name: "New secret" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "New secret" }).click();
  const renewed = await page.getByRole("dialog").locator("code").innerText();
  await page.getByRole("button", { name: "Done" }).click();
  await page.locator("button:focus", { hasText: "More" }).waitFor();
  await page.getByText("The secret before signs until").waitFor();
  await page.getByRole("button", { name: "Send a test" }).click();
  const both = await there.next("/orders", "webhook.test");
  assert.ok(renewed !== secret && isSignedWith(secret, both) && isSignedWith(renewed, both));

  await page.getByRole("button", { name: /^More/ }).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByRole("heading", { level: 1, name: "Webhooks" }).waitFor();
  await page.getByRole("link", { name: url }).waitFor({ state: "detached" });
  await archive(ticket);
  assert.deepEqual(faults, []);
  there.close();
  await close();
});

test("who answered that nobody is there is called again when somebody says so, with what was missed", async () => {
  const there = await receiver();
  const url = there.url("/moved");
  there.says("/moved", { status: 410 });
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/webhooks");
  await settle(page);
  await makes(page, url, ["ticket.urgent"]);
  const ticket = await comes("urgent");
  const missed = await there.next("/moved", "ticket.urgent", ticket);
  const row = page.getByRole("row", { name: new RegExp(url) });
  await page.getByRole("link", { name: url }).click();
  await rowsOf(page, "ticket.urgent", "Failed").waitFor();
  await page.goBack();
  await page.getByRole("button", { name: "Refresh" }).click();
  await row.getByText("Disabled").waitFor();
  await page.getByRole("button", { name: `Resume: ${url}` }).click();
  await row.getByText("Active", { exact: true }).waitFor();
  await page.getByRole("link", { name: url }).click();
  await settle(page);

  there.says("/moved", { status: 204, body: "" });
  await page.getByRole("combobox", { name: "Event" }).click();
  await page.getByRole("option", { name: "ticket.created", exact: true }).click();
  await page.getByText("No delivery like this").waitFor();
  await page.getByRole("button", { name: "Send again by filter" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/Nothing to be sent/).waitFor();
  assert.ok(await dialog.getByRole("button", { name: "Send again" }).isDisabled());
  await page.keyboard.press("Escape");
  await page.goto(page.url().replace("ticket.created", "ticket.urgent"));
  await settle(page);
  await page.getByRole("button", { name: "Send again by filter" }).click();
  await dialog.getByText(/Concerns 1 delivery, counted just now/).waitFor();
  assert.deepEqual(await findings(page), [], "axe, the dialog");
  await dialog.getByRole("button", { name: "Send again" }).click();
  const again = await there.next("/moved", "ticket.urgent", ticket);
  assert.equal(again.headers["webhook-id"], missed.headers["webhook-id"]);
  await rowsOf(page, "ticket.urgent", "Delivered").waitFor();

  await page.getByRole("button", { name: "Pause" }).click();
  const facts = page.getByRole("region", { name: "Facts" });
  // It stays for as long as the pointer is at it.
  const undo = page.getByRole("button", { name: "Undo" });
  await undo.hover();
  await facts.getByText("its owner paused it").waitFor();
  await undo.click();
  await facts.getByText("Active", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await dialog.getByRole("checkbox", { name: /^ticket: all/ }).check();
  assert.ok(await dialog.getByRole("checkbox", { name: "ticket.urgent" }).isDisabled());
  await dialog.getByLabel(/^Address/).fill("ftp://somewhere.example/");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("alert").getByText(/url/).waitFor();
  await dialog.getByLabel(/^Address/).fill(url);
  await dialog.getByRole("button", { name: "Save" }).click();
  await facts.getByText("ticket.*").waitFor();

  const id = new URL(page.url()).pathname.split("/").pop();
  await api(`/api/outbound/endpoints/${id}`, { method: "DELETE" });
  await archive(ticket);
  assert.deepEqual(
    faults.filter((fault) => !/status of 400/.test(fault)),
    [],
  );
  there.close();
  await close();
});

test("a delivery that waits for its next attempt is sent now by hand, and what is behind it keeps its turn", async () => {
  const there = await receiver();
  const url = there.url("/away");
  there.says("/away", { status: 500 });
  const { page, faults, close } = await open(browser, MAY);
  const made = await post<{ id: string }>("/api/outbound/endpoints", {
    url,
    events: ["ticket.created"],
    ordered: true,
  });
  const tickets = [await comes("normal"), await comes("normal")];
  // The first attempt, and the second five seconds later; the third would come after five minutes.
  const first = await there.next("/away", "ticket.created");
  const second = await there.next("/away", "ticket.created");
  assert.equal(second.headers["webhook-id"], first.headers["webhook-id"]);
  await page.goto(`/manage/webhooks/${made.id}`);
  await settle(page);
  // Known by what they met and not by their place: both may have been handed out at once.
  const failed = page.getByRole("row", { name: /ticket\.created.*Waiting.*500 2\b/ });
  const behind = page.getByRole("row", { name: /ticket\.created.*Waiting.*none yet 0\b/ }).first();
  await failed.waitFor();
  // Its turn has not come.
  await behind.getByRole("link").press("Enter");
  await page.getByRole("heading", { level: 1, name: "Delivery" }).waitFor();
  await settle(page);
  await page.getByRole("button", { name: "Send now" }).click();
  await page.getByText(/It is not sent now: .*an earlier delivery goes first/).waitFor();
  await page.goBack();
  await settle(page);
  there.says("/away", { status: 200 });
  await failed.getByRole("link").press("Enter");
  await page.getByRole("heading", { level: 1, name: "Delivery" }).waitFor();
  await settle(page);
  assert.deepEqual(await findings(page), [], "axe");
  await page.getByRole("button", { name: "Send now" }).click();
  const third = await there.next("/away", "ticket.created");
  assert.equal(third.headers["webhook-id"], first.headers["webhook-id"], "the one that waited");
  const next = await there.next("/away", "ticket.created");
  assert.notEqual(next.headers["webhook-id"], first.headers["webhook-id"], "then the one behind it");
  const facts = page.getByRole("region", { name: "Facts" });
  await facts.getByText("Delivered").waitFor();
  await page.getByRole("button", { name: "Send again" }).waitFor();
  await api(`/api/outbound/endpoints/${made.id}`, { method: "DELETE" });
  for (const ticket of tickets) await archive(ticket);
  assert.deepEqual(
    faults.filter((fault) => !/status of 409/.test(fault)),
    [],
  );
  there.close();
  await close();
});

test("the catalogue is found by words, and a schema is copied", async () => {
  const { page, context, faults, close } = await open(browser, MAY);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto("/manage/events");
  await settle(page);
  const { events } = await api<{ events: { type: string; schema: unknown }[] }>("/api/outbound/catalogue");
  assert.equal(await page.getByRole("heading", { level: 2 }).count(), events.length);
  await page.getByRole("searchbox", { name: "Find" }).fill("likely to leave");
  const found = page.getByRole("heading", { level: 2 });
  await page.getByText(`1 of ${events.length} events`).waitFor();
  assert.match(await found.innerText(), /customer\.risk_band_changed/);
  await page.getByRole("cell", { name: "low, medium, high, critical, or null" }).first().waitFor();
  await page.getByRole("button", { name: "Copy the schema: customer.risk_band_changed" }).click();
  await page.getByRole("button", { name: "Copied: customer.risk_band_changed" }).waitFor();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.deepEqual(copied, events.find((event) => event.type === "customer.risk_band_changed")?.schema);
  await page.getByRole("searchbox", { name: "Find" }).fill("no such words");
  await page.getByText("No event has these words").waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("a workspace is connected, a channel is told what its rule names, and the workspace is disconnected", async () => {
  const there = await slack();
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/slack");
  await settle(page);
  // Somebody agrees on Slack's own page.
  await page.route("https://slack.com/oauth/v2/authorize**", (route) => {
    const asked = new URL(route.request().url()).searchParams;
    const back = `${asked.get("redirect_uri")}?code=good&state=${asked.get("state")}`;
    return route.fulfill({ status: 302, headers: { Location: back } });
  });
  await page.getByRole("button", { name: "Connect a workspace" }).click();
  await page.getByText("Records & Co is connected.").waitFor();
  const { call } = await there.next("oauth.v2.access");
  assert.equal(call.code, "good");
  await page.getByRole("link", { name: "Back to Deskwork" }).click();
  await settle(page);
  const workspace = page.getByRole("region", { name: "Workspaces" }).getByRole("row", { name: /Records & Co/ });
  await workspace.getByText("Connected", { exact: true }).waitFor();

  await page.getByRole("button", { name: "New rule" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^Channel/).fill("#support");
  await dialog.getByText("C, G or D, then capital letters and digits").waitFor();
  const channel = `C${Date.now()}`;
  await dialog.getByLabel(/^Channel/).fill(channel);
  await dialog.getByRole("checkbox", { name: "ticket.urgent" }).check();
  await dialog.getByRole("switch", { name: /Quiet hours/ }).click();
  assert.deepEqual(await findings(page), [], "axe, the dialog");
  await dialog.getByRole("switch", { name: /Quiet hours/ }).click();
  await dialog.getByRole("button", { name: "New rule" }).click();
  const rule = page.getByRole("region", { name: "Rules" }).getByRole("row", { name: new RegExp(channel) });
  await rule.getByText("each at once").waitFor();
  await page.getByRole("button", { name: `Test: ${channel}` }).click();
  const tried = await there.next("chat.postMessage");
  assert.equal(tried.call.channel, channel);
  const told = page.getByRole("region", { name: "What was told" });
  await told.getByRole("row", { name: new RegExp(`webhook\\.test.*${channel}.*Told`) }).waitFor();

  const ticket = await comes("urgent");
  const alert = await there.next("chat.postMessage");
  assert.match(JSON.stringify(alert.call.blocks), new RegExp(`/desk\\?ticket=${ticket}`), "leads to the ticket");
  await told.getByRole("row", { name: new RegExp(`ticket\\.urgent.*${channel}.*Told`) }).waitFor();

  await page.getByRole("switch", { name: `On: ${channel}` }).press("Space");
  await page.getByRole("switch", { name: `Off: ${channel}` }).waitFor();
  await page.getByRole("button", { name: `Change: ${channel}` }).click();
  await dialog.getByLabel("How").selectOption("60");
  await dialog.getByRole("switch", { name: /Quiet hours/ }).click();
  await dialog.getByLabel("From").fill("21:30");
  await dialog.getByRole("button", { name: "Save" }).click();
  await rule.getByText("quiet from 21:30 to 07:00, Europe/Berlin").waitFor();
  await rule.getByText("together, every hour").waitFor();
  await page.getByRole("button", { name: `Remove: ${channel}` }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await rule.waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Disconnect: Records & Co" }).click();
  await dialog.getByRole("button", { name: "Disconnect" }).click();
  await there.next("auth.revoke");
  await page.getByText("No workspace is connected").waitFor();
  await archive(ticket);
  assert.deepEqual(faults, []);
  await there.close();
  await close();
});

test("who may not see other systems has no way there and is told so", async () => {
  const { page, close } = await open(browser, BEN);
  for (const path of ["/manage/webhooks", "/manage/events", "/manage/slack"]) {
    await page.goto(path);
    await page.getByRole("alert").getByText("You may not do this").first().waitFor();
    assert.equal(await page.getByRole("button", { name: /New endpoint|Connect/ }).count(), 0);
    const menu = page.getByRole("navigation", { name: "Screens" });
    assert.equal(await menu.getByRole("link", { name: /^(Webhooks|Events|Slack)$/ }).count(), 0);
  }
  await close();
});
