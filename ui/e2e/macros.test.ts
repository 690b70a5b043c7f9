// A macro on a ticket: found and used by keys alone, once, with what happens beside; held back when somebody wrote meanwhile;
// completed where nothing is known for a variable; not offered to whoever may not write. What is being written stays.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { api, post } from "./api.ts";
import { findings } from "./axe.ts";
import { launch, open, settle } from "./browser.ts";
import { archive, desk, mailbox, writesAgain } from "./desk.ts";
import { ANN, BEN, invite } from "./people.ts";

type Made = { id: string };
type Message = { from: string; text: string; delivery: string | null };

let browser: Browser;
before(async () => {
  await desk();
  browser = await launch();
});
after(() => browser.close());

/** A macro with a name and words that no other has, and a ticket to use it on. */
async function made(name: string, text: string, actions: object[]) {
  await mailbox();
  const mark = `${name} ${Date.now()}`;
  const body = { name: mark, folder: "Tests", default_language: "en", texts: { en: text }, actions };
  const macro = await post<Made>("/api/macros", body);
  const ticket = await post<Made>("/api/tickets", {
    subject: mark,
    channel: "email",
    customer: { email: "rosa@example.com", name: "Rosa Lund" },
    message: { from: "customer", text: "Where is my money?" },
  });
  const forget = async () => {
    await archive(ticket.id);
    await api(`/api/macros/${macro.id}`, { method: "DELETE" });
  };
  return { mark, macro: macro.id, ticket: ticket.id, forget };
}

const dialogOf = (page: Page) => page.getByRole("dialog", { name: /^Use a macro/ });
const field = (page: Page) => page.getByRole("textbox", { name: "Reply to the customer" });
const log = (page: Page) => page.getByRole("list", { name: /newest last/ });
const replies = async (ticket: string) => {
  const { items } = await api<{ items: Message[] }>(`/api/tickets/${ticket}/messages`);
  return items.filter((message) => message.from === "agent");
};

async function atTicket(page: Page, ticket: string) {
  await page.goto(`/desk?ticket=${ticket}`);
  await settle(page);
  await log(page).getByText("Where is my money?").waitFor();
}

test("a macro is found, looked at, changed and used by keys alone, once, and what was being written stays", async () => {
  const { mark, macro, ticket, forget } = await made(
    "Refund",
    "Hello {{customer.first_name}}, the money is on its way.",
    [
      { do: "add_tags", tags: ["refunded"] },
      { do: "set_status", status: "resolved" },
    ],
  );
  const { page, faults, close } = await open(browser, ANN);
  await atTicket(page, ticket);
  await field(page).fill("Half a sentence");
  await page.getByText("Kept", { exact: true }).waitFor();
  await page.keyboard.press("Escape");

  await page.keyboard.press("m");
  const dialog = dialogOf(page);
  const search = dialog.getByRole("combobox", { name: "Search the macros" });
  await dialog.getByRole("option").first().waitFor();
  await dialog.locator("input:focus").and(search).waitFor();
  await settle(page);
  assert.deepEqual(await findings(page), [], "axe, the list");
  await page.keyboard.type("no macro has these words");
  await dialog.getByText("No macro has all of these words").waitFor();
  await search.fill(mark);
  await dialog.getByRole("option", { name: new RegExp(mark), selected: true }).waitFor();
  await page.keyboard.press("Enter");

  const text = dialog.getByRole("textbox", { name: "What the customer gets" });
  await text.waitFor();
  assert.equal(await text.inputValue(), "Hello Rosa, the money is on its way.");
  const beside = dialog.getByRole("region", { name: "What happens beside" });
  assert.deepEqual(await beside.getByRole("listitem").allTextContents(), [
    "Add tags: refunded",
    "Set where it stands: resolved",
  ]);
  await settle(page);
  assert.deepEqual(await findings(page), [], "axe, before it is used");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.locator("html[data-mantine-color-scheme=dark]").waitFor();
  await settle(page);
  assert.deepEqual(await findings(page), [], "axe, dark");
  await page.setViewportSize({ width: 320, height: 860 });
  await settle(page);
  assert.deepEqual(await findings(page), [], "axe, dark, 320 px");
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${overflow} px wider than the window`);
  await page.setViewportSize({ width: 1360, height: 860 });
  await text.press("Control+End");
  await page.keyboard.type(" It takes three days.");
  // Pressed twice it is used once.
  await page.keyboard.press("Control+Enter");
  await page.keyboard.press("Control+Enter");

  await page.getByRole("alert").getByText("The reply leaves in ten seconds").waitFor();
  await page.getByRole("alert").getByText("Done beside: Add tags: refunded; Set where it stands: resolved").waitFor();
  await dialog.waitFor({ state: "hidden" });
  await log(page).getByText("Hello Rosa, the money is on its way. It takes three days.").waitFor();
  await page.getByRole("button", { name: "Open again" }).waitFor();
  await page.locator(".desk-head").getByText("refunded", { exact: true }).waitFor();
  assert.equal(await field(page).inputValue(), "Half a sentence");
  // And with the server, so that another window has it too.
  await page.getByText("Kept", { exact: true }).waitFor();
  const kept = await api<{ status: string; tags: string[] }>(`/api/tickets/${ticket}`);
  assert.deepEqual([kept.status, kept.tags], ["resolved", ["refunded"]]);
  assert.equal((await replies(ticket)).length, 1);
  assert.equal((await api<{ uses: number }>(`/api/macros/${macro}`)).uses, 1);
  assert.deepEqual(faults, []);
  await close();
  await forget();
});

test("somebody wrote while a macro was looked at: that is shown before it leaves, and no text is lost", async () => {
  const { mark, ticket, forget } = await made("Meanwhile", "It left us on Monday.", [
    { do: "add_tags", tags: ["told"] },
  ]);
  const { page, faults, close } = await open(browser, ANN);
  await atTicket(page, ticket);
  await field(page).fill("My own words");
  await page.getByText("Kept", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Use a macro" }).click();
  const dialog = dialogOf(page);
  await dialog.getByRole("combobox").fill(mark);
  await dialog.getByRole("option", { name: new RegExp(mark) }).click();
  const text = dialog.getByRole("textbox", { name: "What the customer gets" });
  await text.fill("It left us on Monday, in a box.");
  await writesAgain(ticket, "Please cancel it");
  // Also when it stands behind the dialog already, it was not in sight.
  await page.getByText("Please cancel it").first().waitFor({ state: "attached" });
  await dialog.getByRole("button", { name: "Send, and do it" }).click();
  const news = dialog.getByRole("alert", { name: "Something new came while you wrote" });
  await news.getByText("Please cancel it").waitFor();
  assert.equal(await text.inputValue(), "It left us on Monday, in a box.");
  assert.deepEqual(await findings(page), [], "axe, held back");
  const untouched = await api<{ tags: string[]; reply_text: unknown }>(`/api/tickets/${ticket}`);
  assert.deepEqual(untouched.tags, []);
  assert.equal((await replies(ticket)).length, 0);

  await news.getByRole("button", { name: "I have read it, send" }).click();
  await page.getByRole("alert").getByText("The reply leaves in ten seconds").waitFor();
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await field(page).inputValue(), "My own words");
  assert.deepEqual(
    (await replies(ticket)).map((reply) => reply.text),
    ["It left us on Monday, in a box."],
  );
  await page.locator(".desk-head").getByText("told", { exact: true }).waitFor();
  // What was refused is told by its status.
  assert.deepEqual(
    faults.filter((fault) => !/409|412/.test(fault)),
    [],
  );
  await close();
  await forget();
});

test("from the palette: what is not known for a variable is written in, or the text alone is taken", async () => {
  const { mark, ticket, forget } = await made("Order", "Order {{order.number}} left us.", []);
  const { page, faults, close } = await open(browser, BEN);
  await atTicket(page, ticket);
  await field(page).fill("I looked it up.");
  await page.getByRole("heading", { level: 1 }).focus();
  await page.keyboard.press("Control+k");
  await page.getByRole("textbox", { name: "Where to?" }).fill("use a macro");
  await page.getByRole("button", { name: /Ticket: Use a macro/ }).waitFor();
  await page.keyboard.press("Enter");
  const dialog = dialogOf(page);
  await dialog.getByRole("combobox").fill(mark);
  await dialog.getByRole("option", { name: new RegExp(mark) }).waitFor();
  await page.keyboard.press("Enter");
  await dialog.getByRole("alert").getByText("{{order.number}}").waitFor();
  const send = dialog.getByRole("button", { name: "Send", exact: true });
  assert.ok(await send.isDisabled());
  assert.deepEqual(await findings(page), [], "axe, a variable without a value");
  await dialog.getByRole("textbox", { name: "What the customer gets" }).fill("Order 4711 left us.");
  assert.ok(await send.isEnabled());
  await dialog.getByRole("button", { name: "Only the text, into the reply" }).click();
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await field(page).inputValue(), "I looked it up.\n\nOrder 4711 left us.");
  await page.locator("textarea:focus").and(field(page)).waitFor();

  // Whoever leaves it is where they were, and has what they wrote.
  await page.keyboard.press("Escape");
  await page.keyboard.press("m");
  await dialog.getByRole("option").first().waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await page.locator("#ticket-title:focus").waitFor();
  assert.equal(await field(page).inputValue(), "I looked it up.\n\nOrder 4711 left us.");
  assert.equal((await replies(ticket)).length, 0);
  assert.deepEqual(faults, []);
  await close();
  await forget();
});

test("a variable without a value does not leave from the reply's field either, until its writer says so", async () => {
  const { mark, ticket, forget } = await made("Held", "Order {{order.number}} left us.", []);
  const { page, faults, close } = await open(browser, BEN);
  await atTicket(page, ticket);
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST" && /\/messages$/.test(request.url())) asked.push(request.url());
  });
  await page.keyboard.press("m");
  const dialog = dialogOf(page);
  await dialog.getByRole("combobox").fill(mark);
  await dialog.getByRole("option", { name: new RegExp(mark) }).click();
  await dialog.getByRole("alert").getByText("{{order.number}}").waitFor();
  // Typed by hand it is held as well.
  const text = dialog.getByRole("textbox", { name: "What the customer gets" });
  await text.fill("It left us. {{agent.name}}");
  await dialog.getByRole("alert").getByText("{{agent.name}}").waitFor();
  assert.ok(await dialog.getByRole("button", { name: "Send", exact: true }).isDisabled());
  await text.fill("Order {{order.number}} left us.");
  await dialog.getByRole("button", { name: "Only the text, into the reply" }).click();
  await dialog.waitFor({ state: "hidden" });

  const held = page.getByRole("alert", { name: "A variable without its value stands in the text" });
  await field(page).press("Control+Enter");
  await held.getByText("{{order.number}}").waitFor();
  // Pressed again it is no more said than before.
  await field(page).press("Control+Enter");
  await held.getByText("{{order.number}}").waitFor();
  assert.deepEqual(await findings(page), [], "axe, held in the field");
  assert.deepEqual(asked, []);
  await field(page).fill("Order 4711 left us. {{order.date}}");
  await held.waitFor({ state: "hidden" });
  await field(page).press("Control+Enter");
  await held.getByText("{{order.date}}").waitFor();
  assert.deepEqual(asked, []);
  await held.getByRole("button", { name: "Send it as it is" }).click();
  await log(page).getByText("Order 4711 left us. {{order.date}}").waitFor();

  // Pressed three times it is asked for once.
  await field(page).fill("And another one.");
  await field(page).evaluate((element) => {
    const press = { key: "Enter", ctrlKey: true, bubbles: true, cancelable: true };
    for (let times = 0; times < 3; times += 1) element.dispatchEvent(new KeyboardEvent("keydown", press));
  });
  await log(page).getByText("And another one.").waitFor();
  assert.equal(asked.length, 2);
  assert.deepEqual(
    (await replies(ticket)).map((reply) => reply.text),
    ["And another one.", "Order 4711 left us. {{order.date}}"],
  );
  assert.deepEqual(faults, []);
  await close();
  await forget();
});

test("merged by another while a macro was being changed: its text is in the reply of the ticket that it goes on in", async () => {
  const { mark, macro, ticket } = await made("Going on", "It is on its way.", []);
  const other = await made("Goes on here", "Hello.", []);
  const { page, close } = await open(browser, BEN);
  await atTicket(page, ticket);
  await page.keyboard.press("m");
  const dialog = dialogOf(page);
  await dialog.getByRole("combobox").fill(mark);
  await dialog.getByRole("option", { name: new RegExp(mark) }).click();
  await dialog.getByRole("textbox", { name: "What the customer gets" }).fill("It is on its way, in a box.");
  await post(`/api/tickets/${ticket}/merge`, { into: other.ticket });
  await page.getByRole("alert").getByText("What you made of the macro stands in the reply there").waitFor();
  await dialog.waitFor({ state: "hidden" });
  await page.goto(`/desk?ticket=${other.ticket}`);
  await settle(page);
  await page.waitForFunction(
    () =>
      document.querySelector<HTMLTextAreaElement>(".desk-composer textarea")?.value === "It is on its way, in a box.",
  );
  // And with the server.
  await page.getByText("Kept", { exact: true }).waitFor();
  await close();
  await api(`/api/macros/${macro}`, { method: "DELETE" });
  await other.forget();
});

test("what cannot leave says so, and what it would have resolved stays open", async () => {
  const { mark, ticket, forget } = await made("No way", "It is done.", [
    { do: "add_tags", tags: ["stuck"] },
    { do: "set_status", status: "resolved" },
  ]);
  await api(`/api/mailboxes/${await mailbox()}`, { method: "DELETE" });
  const { page, faults, close } = await open(browser, ANN);
  await atTicket(page, ticket);
  await page.keyboard.press("m");
  const dialog = dialogOf(page);
  await dialog.getByRole("combobox").fill(mark);
  await dialog.getByRole("option", { name: new RegExp(mark) }).click();
  await dialog.getByRole("textbox", { name: "What the customer gets" }).press("Control+Enter");
  const said = page.getByRole("alert");
  await said.getByText(/Not sent: no mailbox is connected/).waitFor();
  await said.getByText("Done beside: Add tags: stuck").waitFor();
  await said.getByText("Not done, because the reply cannot leave: Set where it stands: resolved").waitFor();
  await page.getByRole("button", { name: "Resolve", exact: true }).waitFor();
  await mailbox();
  assert.deepEqual(faults, []);
  await close();
  await forget();
});

test("a role that only reads is not offered a macro", async () => {
  const { ticket, forget } = await made("Not for all", "Hello.", []);
  const viewer = { email: `viewer-${Date.now()}@desk.example`, name: "Vera Looks", role: "viewer" };
  await invite(viewer);
  const { page, faults, close } = await open(browser, viewer);
  await atTicket(page, ticket);
  assert.equal(await page.getByRole("button", { name: "Use a macro" }).count(), 0);
  await page.keyboard.press("m");
  await page.keyboard.press("Control+k");
  await page.getByRole("textbox", { name: "Where to?" }).fill("use a macro");
  await page.getByText("Nothing has this name").waitFor();
  assert.equal(await dialogOf(page).count(), 0);
  assert.deepEqual(faults, []);
  await close();
  await forget();
});
