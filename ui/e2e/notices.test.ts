// What is said to a person wherever in the app they are: a rule points one agent to a ticket, and only them; whoever wrote a
// reply hears that it did not leave; whoever keeps rules and mail hears what stands still.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { api, KEY, post, URL } from "./api.ts";
import { findings } from "./axe.ts";
import { launch, type Opened, open, settle } from "./browser.ts";
import { archive, desk, mailbox } from "./desk.ts";
import { door } from "./door.ts";
import { shown } from "./news.ts";
import { ANN, BEN, MAY, type Person } from "./people.ts";
import { held } from "./queues.ts";

type Listed<T> = { items: T[] };

let browser: Browser;
before(async () => {
  await desk();
  browser = await launch();
});
after(() => browser.close());

/** At a screen that has nothing of the stream itself, when the stream stands. */
async function at(person: Person, screen: string, url = URL): Promise<Opened> {
  const opened = await open(browser, person, { url });
  const { page } = opened;
  await page.goto("/manage/live");
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: screen }).click();
  await page.getByRole("heading", { level: 1, name: screen }).waitFor();
  await settle(page);
  return opened;
}

/** What is said of one ticket; of others something may be said at the same time. */
const noticeOf = (page: Page, words: string, ticket: string) =>
  page
    .getByRole("alert")
    .filter({ hasText: words })
    .filter({ has: page.locator(`a[href="/desk?ticket=${ticket}"]`) });

/** Jobs of others may be before those that lead to it. */
const TOLD = { timeout: 60_000 };

async function comes(subject: string): Promise<string> {
  const made = await post<{ id: string }>("/api/tickets", {
    subject,
    channel: "email",
    priority: "normal",
    customer: { email: "pointed@example.com" },
    message: { from: "customer", text: "Hello?" },
  });
  return made.id;
}

/** A rule that points somebody to every ticket whose subject has the words; its id. */
async function points(person: Person, words: string): Promise<string> {
  const agents = await api<Listed<{ id: string; email: string }>>("/api/agents?limit=100");
  const rule = await post<{ id: string }>("/api/rules", {
    name: words,
    event: "ticket_created",
    conditions: { field: "subject", op: "contains", value: [words] },
    actions: [{ do: "notify", agent_id: agents.items.find((agent) => agent.email === person.email)?.id }],
  });
  await post(`/api/rules/${rule.id}/on`, {});
  return rule.id;
}

test("a rule points one agent to a ticket, who is there in a click", async () => {
  const subject = `Point at this ${Date.now()}`;
  const rule = await points(ANN, subject);
  const hers = await at(ANN, "People");
  const his = await open(browser, BEN);
  await his.page.goto("/desk");
  await his.page.getByText("Live", { exact: true }).waitFor();
  const ticket = await comes(subject);
  const notice = noticeOf(hers.page, "A rule points you to a ticket", ticket);
  await notice.waitFor(TOLD);
  assert.deepEqual(await findings(hers.page), [], "axe, with a notice");
  await notice.getByRole("link", { name: "Open the ticket" }).click();
  await hers.page.waitForURL(new RegExp(`/desk\\?ticket=${ticket}`));
  await hers.page
    .getByRole("heading", { name: new RegExp(subject) })
    .first()
    .waitFor();
  await notice.waitFor({ state: "hidden" });
  // What happens later has come to him when he sees it; the notice, which was before it, was none for him.
  const mark = `Later ${Date.now()}`;
  const later = await comes(mark);
  await shown(his.page, his.page.getByRole("link", { name: new RegExp(mark) }));
  assert.equal(await his.page.getByText("A rule points you").count(), 0);
  for (const one of [his, hers]) {
    assert.deepEqual(one.faults, []);
    await one.close();
  }
  await api(`/api/rules/${rule}`, { method: "DELETE" });
  for (const id of [ticket, later]) await archive(id);
});

test("what was just done is said at once, however many notices wait; those of a ticket go when it is opened", async () => {
  const mark = `One of many ${Date.now()}`;
  const own = await comes(`Noted meanwhile ${Date.now()}`);
  const rule = await points(ANN, mark);
  const { page, faults, close } = await open(browser, ANN);
  await page.goto(`/desk?ticket=${own}`);
  await settle(page);
  await page.getByText("Live", { exact: true }).waitFor();
  const tickets: string[] = [];
  // As many as are shown at once.
  for (let number = 1; number <= 4; number += 1) {
    const ticket = await comes(`${mark} (${number})`);
    tickets.push(ticket);
    await noticeOf(page, "A rule points you to a ticket", ticket).waitFor(TOLD);
  }
  await page.getByRole("heading", { level: 1 }).focus();
  await page.keyboard.press("n");
  await page.keyboard.type("She called as well.");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("alert").getByText("The note is there").waitFor();
  // Who opens a ticket by another way than the notice has seen what it speaks of; the others go on waiting.
  const [first = "", second = ""] = tickets;
  // In the list: beside the ticket that is open its customer's others may be named as well.
  const row = page.locator(`.desk-row-link[data-ticket="${second}"]`);
  await page.keyboard.press("Escape");
  await shown(page, row);
  await row.press("Enter");
  await page.getByRole("heading", { level: 1, name: `${mark} (2)` }).waitFor();
  await noticeOf(page, "A rule points you to a ticket", second).waitFor({ state: "hidden" });
  await noticeOf(page, "A rule points you to a ticket", first).waitFor();
  assert.deepEqual(faults, []);
  await close();
  await api(`/api/rules/${rule}`, { method: "DELETE" });
  for (const id of [own, ...tickets]) await archive(id);
});

test("a reply that did not leave is said to its writer, wherever they are by then", async () => {
  const ticket = await comes(`Not reached ${Date.now()}`);
  await api(`/api/mailboxes/${await mailbox()}`, { method: "DELETE" });
  const { page, faults, close } = await open(browser, BEN);
  await page.goto(`/desk?ticket=${ticket}`);
  await settle(page);
  await page.getByText("Live", { exact: true }).waitFor();
  // It is not tried before its writer is elsewhere: what is said of a ticket that is open is seen in it alone.
  await held("default", async () => {
    await page.getByRole("textbox", { name: "Reply to the customer" }).fill("It left on Monday.");
    await page.keyboard.press("Control+Enter");
    await page
      .getByRole("alert")
      .getByText(/^Not sent/)
      .waitFor();
    await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: "People" }).click();
    await page.getByRole("heading", { level: 1, name: "People" }).waitFor();
  });
  const notice = noticeOf(page, "A reply of yours did not reach its customer", ticket);
  // When the time to take it back is over.
  await notice.waitFor(TOLD);
  await notice.getByRole("link", { name: "Open the ticket" }).click();
  await page.waitForURL(new RegExp(`/desk\\?ticket=${ticket}`));
  await page
    .getByRole("list", { name: /newest last/ })
    .getByText("Not sent", { exact: true })
    .waitFor();
  await notice.waitFor({ state: "hidden" });
  assert.deepEqual(faults, []);
  await close();
  await mailbox();
  await archive(ticket);
});

test("mail that is held back is said to whoever may let it in", async () => {
  const before = await api<object>("/api/mail/settings");
  await post("/api/mail/settings", { flood_limit: 1, flood_window_secs: 600 }, "PUT");
  const address = `flood${Date.now()}@records.example`;
  const mailbox = await post<{ id: string }>("/api/mailboxes", { address, display_name: null, is_default: false });
  const way = await door();
  const opened = await at(MAY, "API keys", way.url);
  for (const number of [1, 2]) {
    const mail = `From: many@example.com\r\nTo: ${address}\r\nSubject: ${number}\r\nMessage-ID: <${number}.${address}>\r\n\r\nHello\r\n`;
    const taken = await fetch(`${URL}/api/mail/inbound?mailbox=${encodeURIComponent(address)}`, {
      method: "POST",
      headers: { "X-API-Key": KEY, "Content-Type": "message/rfc822" },
      body: mail,
    });
    assert.ok(taken.ok, await taken.text());
  }
  const notice = opened.page.getByRole("alert").filter({ hasText: "Mail is held back" });
  await notice.waitFor(TOLD);
  // At a screen that is none of the desk's she listens and is given no ticket.
  while (way.asked("/api/events?there=false") === 0) await new Promise(setImmediate);
  await notice.getByRole("link", { name: "Look at what is held back" }).click();
  await opened.page.getByRole("heading", { level: 1, name: "Mail that came" }).waitFor();
  await opened.page
    .getByRole("row", { name: /many@example\.com/ })
    .first()
    .getByText("Held back")
    .waitFor();
  await post("/api/mail/settings", before, "PUT");
  await api(`/api/mailboxes/${mailbox.id}`, { method: "DELETE" });
  assert.deepEqual(opened.faults, []);
  await opened.close();
  await way.close();
});
