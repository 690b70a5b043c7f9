// An agent's day by keys alone: signing in, the most urgent ticket, an answer that is taken back, a note, resolving; what a
// customer writes meanwhile; text that outlives a reload.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { findings } from "./axe.ts";
import { api, launch, open, type Scheme, settle, URL } from "./browser.ts";
import { desk, PASSWORD, PEOPLE, writesAgain } from "./desk.ts";

const SHOP = process.env.DESK_SHOP ?? "ui";

let browser: Browser;
let ticket: string;
before(async () => {
  ticket = await desk();
  browser = await launch();
});
after(() => browser.close());

async function signedIn(scheme: Scheme = "light", person: (typeof PEOPLE)[number] = PEOPLE[0]) {
  const opened = await open(browser, scheme);
  // A person, not the key of the tests.
  await opened.page.context().setExtraHTTPHeaders({});
  const { page } = opened;
  await page.goto(`${URL}/sign-in?next=/desk`);
  await page.getByLabel("Shop").fill(SHOP);
  await page.keyboard.press("Tab");
  await page.keyboard.type(person.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === "/desk");
  await settle(page);
  return opened;
}

const field = (page: Page) => page.getByRole("textbox", { name: "Reply to the customer" });

test("the most urgent ticket is answered, taken back, noted and resolved by keys alone", async () => {
  const { page, faults, close } = await signedIn();
  await page.getByText("Live", { exact: true }).waitFor();
  const most = await api<{ items: { subject: string }[] }>("/api/tickets?order=smart&snoozed=false&limit=1");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: most.items[0]?.subject ?? "" }).waitFor();

  await page.keyboard.press("r");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("We send another one today.");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("alert").getByText("The reply leaves in ten seconds").waitFor();
  const taken = page.getByRole("list", { name: /newest last/ }).getByRole("button", { name: "Take back" });
  await taken.focus();
  await page.keyboard.press("Enter");
  await page.getByText("Taken back", { exact: true }).first().waitFor();
  await page.waitForFunction(
    () =>
      document.querySelector<HTMLTextAreaElement>(".desk-composer textarea")?.value === "We send another one today.",
  );

  await page.getByRole("heading", { level: 1 }).focus();
  await page.keyboard.press("n");
  await page.keyboard.type("A replacement is packed.");
  await page.keyboard.press("Control+Enter");
  await page
    .getByRole("list", { name: /newest last/ })
    .getByText("A replacement is packed.")
    .first()
    .waitFor();

  await page.keyboard.press("Escape");
  await page.keyboard.press("e");
  await page.getByRole("button", { name: "Open again" }).waitFor();
  await page.getByRole("heading", { level: 1 }).focus();
  await page.keyboard.press("e");
  await page.getByRole("button", { name: "Resolve", exact: true }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("a reload loses no text, and what came meanwhile is shown before anything is sent", async () => {
  const { page, faults, close } = await signedIn();
  await page.goto(`${URL}/desk?ticket=${ticket}`);
  await settle(page);
  await field(page).fill("Half a sentence");
  await page.reload();
  await settle(page);
  assert.equal(await field(page).inputValue(), "Half a sentence");
  await page.getByText("Kept", { exact: true }).waitFor();

  // A customer writes while this browser hears nothing of it.
  await page.route("**/messages?*", (route) => route.abort());
  await writesAgain(ticket, `Please answer, it is ${Date.now()}`);
  await field(page).focus();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("alert", { name: "Something new came while you wrote" }).waitFor();
  assert.equal(await field(page).inputValue(), "Half a sentence");
  await page.unroute("**/messages?*");
  await field(page).fill("");
  await page.waitForTimeout(1_500);
  // The refusal that this is about, and the requests that were cut off, are the only things in the console.
  assert.deepEqual(
    faults.filter((fault) => !/409|ERR_FAILED/.test(fault)),
    [],
  );
  await close();
});

test("what another does is seen within a second, and no row moves by itself", async () => {
  const { page, faults, close } = await signedIn();
  await page.getByText("Live", { exact: true }).waitFor();
  const subject = `Something new ${Date.now()}`;
  const rows = page.getByRole("list", { name: "All open" }).getByRole("listitem");
  const first = await rows.first().innerText();
  const from = Date.now();
  const made = await api<{ id: string }>("/api/tickets", {
    method: "POST",
    body: JSON.stringify({
      subject,
      channel: "email",
      priority: "urgent",
      customer: { email: "new@example.com" },
      message: { from: "customer", text: "Hello?" },
    }),
  });
  await page.getByRole("button", { name: /changed: show/ }).waitFor();
  const took = Date.now() - from;
  assert.ok(took < 2_500, `${took} ms`);
  assert.equal((await rows.first().innerText()).split("\n")[0], first.split("\n")[0]);
  await page.keyboard.press(".");
  await page.getByRole("link", { name: new RegExp(subject) }).waitFor();
  await api(`/api/tickets/${made.id}?archive=true`, { method: "DELETE" });
  assert.deepEqual(faults, []);
  await close();
});

for (const scheme of ["light", "dark"] as Scheme[]) {
  test(`nothing that axe finds, signed in, ${scheme}`, async () => {
    const { page, faults, close } = await signedIn(scheme);
    assert.deepEqual(await findings(page), []);
    await page.goto(`${URL}/desk?ticket=${ticket}`);
    await settle(page);
    assert.deepEqual(await findings(page), []);
    assert.deepEqual(faults, []);
    await close();
  });
}
