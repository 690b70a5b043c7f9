// A manager's journeys: somebody is invited and signs in, a policy is seen before it holds, a key is made and revoked, a
// number leads to its rows, a role that may not sees no door.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser } from "playwright-core";
import { api, URL } from "./api.ts";
import { findings } from "./axe.ts";
import { launch, open, settle } from "./browser.ts";
import { BEN, MAY, PASSWORD } from "./people.ts";
import { service } from "./service.ts";

let browser: Browser;
before(async () => {
  await service();
  browser = await launch();
});
after(() => browser.close());

test("an operator signs in with a key, acts, and signs out", async () => {
  const { page, faults, close } = await open(browser, "nobody");
  await page.goto("/sign-in");
  await settle(page);
  await page.getByRole("button", { name: /I run this cluster/ }).click();
  await page.getByLabel(/^Operator/).fill("dsk_0123456789ab_wrong");
  await page.keyboard.press("Enter");
  await page
    .getByRole("alert")
    .getByText(/This is no key/)
    .waitFor();
  await page.getByLabel(/^Operator/).fill(process.env.DESK_API_KEY ?? "");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/operate\/queues/);
  await settle(page);
  await page.getByRole("button", { name: /^You:/ }).click();
  await page.getByText("Role: operator").waitFor();
  const cookies = await page.context().cookies();
  // One says to scripts that there is a session, and nothing else.
  const isHidden = (cookie: (typeof cookies)[number]) =>
    cookie.httpOnly || `${cookie.name}=${cookie.value}` === "desk-here=1";
  assert.ok(cookies.every((cookie) => isHidden(cookie) && cookie.sameSite === "Strict"));
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  assert.ok(!stored.includes("dsk_"), "the key is kept nowhere");
  // The wrong key alone.
  assert.deepEqual(
    faults.filter((fault) => !/status of 401.*auth\/console/.test(fault)),
    [],
  );
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Deskwork" }).waitFor();
  // What the screen asked for again meanwhile was refused; who is nobody asks for no session.
  faults.length = 0;
  await page.goto("/operate/queues");
  await page.waitForURL(/\/sign-in/);
  await settle(page);
  assert.deepEqual(faults, []);
  await close();
});

test("somebody is invited, chooses a password by the link, and sees what the role allows", async () => {
  const email = `new${Date.now()}@desk.example`;
  const manager = await open(browser, MAY);
  await manager.page.goto("/manage/agents");
  await settle(manager.page);
  await manager.page.getByRole("button", { name: "Invite somebody" }).click();
  const dialog = manager.page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Noor Haddad");
  await dialog.getByLabel("E-mail").fill(email);
  await dialog.getByLabel("Role").selectOption("agent");
  await dialog.getByRole("button", { name: "Invite somebody" }).click();
  const link = await dialog.locator("code").innerText();
  assert.match(link, /\/invitation#dsl_/);
  assert.deepEqual(manager.faults, []);
  await manager.close();

  const { page, faults, close } = await open(browser, "nobody");
  await page.goto(link);
  await page.getByLabel(/^Password/).fill(PASSWORD);
  await page.getByLabel(/^The same once more/).fill(PASSWORD);
  assert.ok(!page.url().includes("#"), "what opens the link has left the address");
  await page.keyboard.press("Enter");
  await page.getByText("The password is set. Sign in with it.").waitFor();
  await page.getByLabel("Shop").fill(process.env.DESK_SHOP ?? "ui");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel(/^Password/).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/desk/);
  await settle(page);
  const menu = page.getByRole("navigation", { name: "Screens" });
  assert.ok(await menu.getByRole("link", { name: "Tickets" }).isVisible());
  assert.equal(await menu.getByRole("link", { name: "API keys" }).count(), 0);
  assert.equal(await menu.getByRole("link", { name: "Queues" }).count(), 0);
  assert.deepEqual(faults, []);
  await close();
});

test("who forgot the password asks for a link, is told the same whoever asks, and what to do without mail", async () => {
  const { page, faults, close } = await open(browser, "nobody");
  await page.goto("/sign-in");
  await settle(page);
  for (const email of [BEN.email, "stranger@desk.example"]) {
    await page.getByRole("link", { name: "Forgotten password?" }).click();
    await page.getByRole("heading", { level: 1, name: "Another password" }).waitFor();
    assert.deepEqual(await findings(page), [], "axe");
    await page.getByLabel("Shop").fill(process.env.DESK_SHOP ?? "ui");
    await page.getByLabel("E-mail").fill(email);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Look into your mail" }).waitFor();
    await page.getByText(/An admin or manager can make a link for you/).waitFor();
    assert.ok(!(await page.content()).includes(email), "nothing is said of the address");
    await page.getByRole("link", { name: "To the page for signing in" }).click();
  }
  await page.goto("/reset#dsl_none");
  await page.getByLabel(/^Password/).fill(PASSWORD);
  await page.getByLabel(/^The same once more/).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Ask for another one" }).click();
  await page.getByRole("heading", { level: 1, name: "Another password" }).waitFor();
  assert.deepEqual(
    faults.filter((fault) => !/status of 401.*password\/reset/.test(fault)),
    [],
  );
  await close();
});

test("a policy shows what it would mean before it holds, refuses what cannot be read, and ends", async () => {
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/policies/new");
  await settle(page);
  const name = `Gold ${Date.now()}`;
  await page.getByLabel(/^Name/).fill(name);
  const urgent = page.getByLabel("Urgent, first answer", { exact: true });
  await urgent.fill("soon");
  await page.getByText("Not a time: write 45 min, 1 h 30 min or 2 d").waitFor();
  assert.ok(await page.getByRole("button", { name: "Save" }).isDisabled());
  await urgent.fill("1 h 30 min");
  const preview = page.getByRole("region", { name: "What it would mean" });
  await preview.getByText("90 min of all time, nights and holidays included").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  await settle(page);
  assert.equal(await urgent.inputValue(), "1 h 30 min");
  await page.getByRole("button", { name: "End the policy" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End the policy" }).click();
  await page.getByRole("heading", { level: 1, name: "Policies" }).waitFor();
  await page.getByRole("link", { name }).waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await close();
});

test("a key is made, shown once, works, and is revoked", async () => {
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/keys");
  await settle(page);
  await page.getByRole("button", { name: "New key" }).click();
  const dialog = page.getByRole("dialog");
  const name = `till ${Date.now()}`;
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("customers:read").check();
  await dialog.getByRole("button", { name: "New key" }).click();
  const key = await dialog.locator("code").innerText();
  const asked = async () => (await fetch(`${URL}/api/customers?limit=1`, { headers: { "X-API-Key": key } })).status;
  assert.equal(await asked(), 200);
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: `Revoke: ${name}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  const row = page.getByRole("row", { name: new RegExp(name) });
  await row.getByText("Revoked").waitFor();
  assert.ok(!(await page.content()).includes(key));
  assert.deepEqual(faults, []);
  await close();
});

test("every number of the promises leads to its rows", async () => {
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/sla");
  await settle(page);
  const tile = page.getByRole("link", { name: /kept in time/ });
  await tile.click();
  await page.getByRole("heading", { level: 1, name: "Tickets behind a number" }).waitFor();
  await settle(page);
  // The head, and a ticket.
  await page.getByRole("region", { name: "Ended" }).getByRole("row").nth(1).waitFor();
  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "Promises" }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("who says that they are away is shown so to whoever leads, at once", async () => {
  const [ben, may] = [await open(browser, BEN), await open(browser, MAY)];
  await ben.page.goto("/desk");
  await settle(ben.page);
  await may.page.goto("/manage/live");
  await settle(may.page);
  await may.page.getByText("Live", { exact: true }).waitFor();
  const row = may.page.getByRole("region", { name: "Who is there" }).getByRole("row", { name: /Ben Adeyemi/ });
  for (const [word, shown] of [
    ["Away for a while", "Away"],
    ["Here, and take tickets", "Online"],
  ] as const) {
    await ben.page.getByRole("button", { name: /^You:/ }).click();
    await ben.page.getByRole("menuitemradio", { name: word }).waitFor();
    assert.deepEqual(await findings(ben.page), [], "axe, the menu");
    await ben.page.getByRole("menuitemradio", { name: word }).click();
    await row.getByText(shown, { exact: true }).waitFor();
  }
  for (const one of [ben, may]) {
    assert.deepEqual(one.faults, []);
    await one.close();
  }
});

test("a role that may not is told so, and what it does at the trail is written down", async () => {
  const { page, close } = await open(browser, BEN);
  await page.goto("/manage/keys");
  await page.getByRole("alert").getByText("You may not do this").waitFor();
  await close();
  const lines = await api<{ items: { action: string }[] }>("/api/audit?action=session.begin&limit=5");
  assert.ok(lines.items.length > 0);
});
