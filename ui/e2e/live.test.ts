// What happens elsewhere is seen here: at once, after a cut, after the api was killed, in every tab by one connection, and
// by two people on one ticket.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { post } from "./api.ts";
import { launch, type Opened, open, settle, watch } from "./browser.ts";
import { restartApi } from "./cluster.ts";
import { archive, desk, writesAgain } from "./desk.ts";
import { door } from "./door.ts";
import { shown } from "./news.ts";
import { ANN, BEN, PASSWORD } from "./people.ts";

let browser: Browser;
let ticket: string;
before(async () => {
  ticket = (await desk()).first;
  browser = await launch();
});
after(() => browser.close());

const live = (page: Page) => page.getByText("Live", { exact: true });
const rows = (page: Page) => page.getByRole("list", { name: "All open" });
const field = (page: Page) => page.getByRole("textbox", { name: "Reply to the customer" });
/** What a cut and a refusal leave in the console by themselves. */
const isCut = (fault: string) => /ERR_|Failed to fetch|net::|status of (401|412|409|503)|WebSocket/.test(fault);

async function atDesk(opened: Opened, path = "/desk") {
  await opened.page.goto(path);
  await settle(opened.page);
  await live(opened.page).waitFor();
}

async function comes(subject: string): Promise<string> {
  const made = await post<{ id: string }>("/api/tickets", {
    subject,
    channel: "email",
    priority: "urgent",
    customer: { email: "new@example.com" },
    message: { from: "customer", text: "Hello?" },
  });
  return made.id;
}

test("what another does is seen, and no row moves before a key is pressed", async () => {
  const opened = await open(browser, ANN);
  const { page, faults, close } = opened;
  await atDesk(opened);
  const top = async () => (await rows(page).getByRole("link").first().getAttribute("data-ticket")) ?? "";
  const before = await top();
  const subject = `Something new ${Date.now()}`;
  const asked = Date.now();
  const made = await comes(subject);
  await page.getByRole("button", { name: /changed: show/ }).waitFor();
  console.log(`figure: ui_change_seen ${Date.now() - asked} ms`);
  assert.equal(await top(), before);
  await shown(page, page.getByRole("link", { name: new RegExp(subject) }));
  assert.deepEqual(faults, []);
  await close();
  await archive(made);
});

test("after a cut and a killed api nothing is missed", async () => {
  const way = await door();
  const opened = await open(browser, ANN, { url: way.url });
  const { page, close } = opened;
  await atDesk(opened);
  const mark = `Meanwhile ${Date.now()}`;
  const made: string[] = [];
  way.shut();
  await page.getByText(/Catching up|Stale since/).waitFor();
  made.push(await comes(`${mark} one`));
  await restartApi();
  made.push(await comes(`${mark} two`));
  way.open();
  // The longer the server was away, the longer it takes until it is tried again: half a minute at most.
  await live(page).waitFor({ timeout: 90_000 });
  made.push(await comes(`${mark} three`));
  for (const name of ["one", "two", "three"]) {
    await shown(page, page.getByRole("link", { name: new RegExp(`${mark} ${name}`) }));
  }
  for (const id of made) await archive(id);
  await close();
  await way.close();
});

test("all tabs of a browser share one connection, and each goes on when another is closed", async () => {
  const way = await door();
  const opened = await open(browser, ANN, { url: way.url });
  const { page, context, faults, close } = opened;
  await atDesk(opened);
  // Whoever takes long to open the desk has listened without being there before.
  while (way.asked("/api/events") === way.asked("/api/events?there=false")) await new Promise(setImmediate);
  const asked = way.asked("/api/events");
  const others: Page[] = [];
  for (let tab = 0; tab < 3; tab += 1) {
    const other = await context.newPage();
    watch(other, faults);
    await other.goto(`${way.url}/desk`);
    await settle(other);
    await live(other).waitFor();
    others.push(other);
  }
  await page.close();
  const subject = `In every tab ${Date.now()}`;
  const made = await comes(subject);
  for (const tab of others) await shown(tab, tab.getByRole("link", { name: new RegExp(subject) }));
  assert.equal(way.asked("/api/events"), asked, "the others have the stream of the first");
  assert.deepEqual(faults, []);
  await close();
  await way.close();
  await archive(made);
});

test("two people on one ticket see each other, and nobody answers over what the other sent", async () => {
  const [ann, ben] = [await open(browser, ANN), await open(browser, BEN)];
  const subject = `For two ${Date.now()}`;
  const made = await comes(subject);
  for (const one of [ann, ben]) await atDesk(one, `/desk?ticket=${made}`);
  // Where it says who is there, and not who has the ticket: what she writes is said by the same way.
  const there = ben.page.getByRole("status");
  await there.getByText("Ann Moreau is looking").waitFor();
  await field(ann.page).pressSequentially("I look");
  await there.getByText("Ann Moreau is writing").waitFor();
  await field(ben.page).fill("Ben’s answer");
  await field(ann.page).fill("Ann’s answer");
  await ann.page.keyboard.press("Control+Enter");
  await ann.page.getByRole("alert").getByText("The reply leaves in ten seconds").waitFor();
  const log = ben.page.getByRole("list", { name: /newest last/ });
  await log.getByText("Ann’s answer").waitFor();
  await field(ben.page).focus();
  assert.equal(await field(ben.page).inputValue(), "Ben’s answer", "what is typed stays");
  for (const { faults } of [ann, ben])
    assert.deepEqual(
      faults.filter((fault) => !isCut(fault)),
      [],
    );
  await ann.close();
  await ben.close();
  await archive(made);
});

test("what came further down, out of sight, is shown before a reply leaves", async () => {
  const opened = await open(browser, ANN);
  const { page, faults, close } = opened;
  const made = await comes(`A long letter ${Date.now()}`);
  await writesAgain(made, "A line of a long letter.\n".repeat(120));
  await atDesk(opened, `/desk?ticket=${made}`);
  await field(page).fill("It left on Monday.");
  await page.getByRole("region", { name: "Messages" }).evaluate((frame) => frame.scrollTo(0, 0));
  // The page has heard of it.
  await settle(page);
  await writesAgain(made, "Please cancel it");
  await page
    .getByRole("list", { name: /newest last/ })
    .getByText("Please cancel it")
    .waitFor();
  await field(page).focus();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("alert", { name: "Something new came while you wrote" }).getByText("Please cancel it").waitFor();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("alert").getByText("The reply leaves in ten seconds").waitFor();
  assert.deepEqual(
    faults.filter((fault) => !isCut(fault)),
    [],
  );
  await close();
  await archive(made);
});

test("a session that ends in mid-edit loses no text", async () => {
  const opened = await open(browser, BEN);
  const { page, context, close } = opened;
  await atDesk(opened, `/desk?ticket=${ticket}`);
  const text = `Half a sentence ${Date.now()}`;
  await field(page).fill(text);
  await page.getByText("Kept", { exact: true }).waitFor();
  await context.clearCookies();
  await field(page).press("End");
  await field(page).pressSequentially(" and more");
  await page.keyboard.press("Control+Enter");
  await page.getByText("You are signed out").first().waitFor();
  assert.equal(await field(page).inputValue(), `${text} and more`);
  const way = page.getByRole("link", { name: "Sign in" }).first();
  await way.click();
  await page.getByRole("heading", { name: "Sign in to Deskwork" }).waitFor();
  await page.getByLabel("Shop").fill("ui");
  await page.getByLabel("E-mail").fill(BEN.email);
  await page.getByLabel(/^Password/).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/desk\?ticket=/);
  await settle(page);
  await page.waitForFunction(
    (wanted) => document.querySelector<HTMLTextAreaElement>(".desk-composer textarea")?.value === wanted,
    `${text} and more`,
  );
  // Nor is it left behind for whoever opens the ticket next.
  const gone = page.waitForResponse(
    (response) => response.request().method() === "DELETE" && response.url().endsWith(`/${ticket}/reply-text`),
  );
  await field(page).fill("");
  assert.ok((await gone).ok());
  await close();
});

test("what a customer writes while nothing is heard is shown before anything is sent", async () => {
  const opened = await open(browser, ANN);
  const { page, faults, close } = opened;
  const made = await comes(`Sent blind ${Date.now()}`);
  await atDesk(opened, `/desk?ticket=${made}`);
  await field(page).fill("Half a sentence");
  await page.reload();
  await settle(page);
  assert.equal(await field(page).inputValue(), "Half a sentence");
  // This tab hears nothing: the answer has to be refused by the server.
  await page.route(`**/api/tickets/${made}*`, (route) =>
    route.request().method() === "GET" ? route.abort() : route.continue(),
  );
  await page.route(`**/api/tickets/${made}/messages?*`, (route) => route.abort());
  await writesAgain(made, "Please answer soon");
  await field(page).focus();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("alert", { name: "Something new came while you wrote" }).waitFor();
  assert.equal(await field(page).inputValue(), "Half a sentence");
  await page.unroute(`**/api/tickets/${made}*`);
  await page.unroute(`**/api/tickets/${made}/messages?*`);
  assert.deepEqual(
    faults.filter((fault) => !isCut(fault)),
    [],
  );
  await close();
  await archive(made);
});
