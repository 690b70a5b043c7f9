// A manager's journeys with what a shop has elsewhere: the shop is disconnected, connected, refused and taken back; a source is
// looked at, mapped, previewed, saved, read and removed; both sides of the help desk are compared and its secret is replaced.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test, { after, before } from "node:test";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { api, ended, post, Refused } from "./api.ts";
import { type Away, away, SHOP } from "./away.ts";
import { findings } from "./axe.ts";
import { launch, open, settle } from "./browser.ts";
import { BEN, MAY } from "./people.ts";
import { service } from "./service.ts";
import { shops, shopView } from "./shops.ts";

let browser: Browser;
let there: Away;
before(async () => {
  await service();
  await shops();
  there = await away();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await there.close();
});

/** Reading a shop takes a moment for each of its kinds. */
const READ = { timeout: 90_000 };

/** Has a job end, unless it did by itself. */
async function over(job: string) {
  try {
    await post(`/api/jobs/${job}/cancel`, {});
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 409) throw error;
  }
  await ended(job);
}

test("a shop is disconnected with its name typed, and connected by its owner's word", async () => {
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/shopify");
  await settle(page);
  await page.getByRole("button", { name: "Disconnect", exact: true }).click();
  const dialog = page.getByRole("dialog");
  const verb = dialog.getByRole("button", { name: "Disconnect" });
  assert.ok(await verb.isDisabled());
  await dialog.getByLabel(/^Type corner-records/).fill("corner-records");
  assert.ok(await verb.isDisabled(), "all of the name");
  await dialog.getByLabel(/^Type corner-records/).fill(SHOP);
  assert.deepEqual(await findings(page), [], "axe, the dialog");
  await page.keyboard.press("Enter");
  await page.getByText("It was disconnected here.").waitFor();
  assert.equal((await shopView()).status, "disconnected");

  // A word that is no domain is told before anything is asked for.
  const domain = page.getByLabel(/^The shop’s own domain/);
  await domain.fill("records.example.com");
  await page.keyboard.press("Enter");
  await page.getByText(/This is no domain of a shop/).waitFor();
  await domain.fill("Corner-Records");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Cancel" }).click();
  await page
    .getByRole("alert")
    .getByText(/Its owner did not agree/)
    .waitFor();
  await settle(page);
  assert.deepEqual(await findings(page), [], "axe, refused");
  assert.equal((await shopView()).status, "disconnected");

  there.writes(true);
  await page.getByRole("button", { name: "Go to the shop" }).click();
  await page.getByRole("link", { name: "Install app" }).click();
  await page.waitForURL(/\/manage\/shopify$/);
  await page.getByText("Connected", { exact: true }).waitFor();
  await page.getByRole("heading", { name: "A reading is under way" }).waitFor();
  const row = (name: string) => page.getByRole("row", { name: new RegExp(`^${name}`) });
  await row("Customers").getByText("Being read").waitFor(READ);
  assert.deepEqual(await findings(page), [], "axe, reading");
  there.writes(false);
  await row("Orders").getByText("Read", { exact: true }).waitFor(READ);
  await row("Orders").getByRole("cell", { name: "12", exact: true }).first().waitFor();
  await page.getByRole("heading", { name: "The last reading" }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("a shop that does not let us in any more says so, and what that means", async () => {
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/shopify");
  await settle(page);
  there.admits(false);
  await page.getByRole("button", { name: "Read now" }).click();
  const alert = page.getByRole("alert").filter({ hasText: "What this means" });
  await alert.getByText(/goes on by itself as soon as the shop is connected again/).waitFor(READ);
  assert.equal((await shopView()).status, "revoked");
  assert.equal(await page.getByRole("button", { name: "Read now" }).count(), 0);
  assert.deepEqual(await findings(page), [], "axe");
  there.admits(true);
  assert.equal(await page.getByLabel(/^The shop’s own domain/).inputValue(), SHOP, "it need not be typed again");
  await page.getByRole("button", { name: "Go to the shop" }).click();
  await page.getByRole("link", { name: "Install app" }).click();
  await page.getByText("Connected", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Read now" }).click();
  await page.getByText(/is being read|under way already/).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("a file is looked at, mapped, previewed, saved, read, changed and removed", async () => {
  const { page, faults, close } = await open(browser, MAY);
  const stamp = Date.now();
  const name = `till-${stamp}`;
  const url = there.file(
    `${name}.csv`,
    `order_no,email,date,total,shelf\nT-${stamp},a@example.com,2026-10-01,12.50,A\n`,
  );
  await page.goto("/manage/sources");
  await settle(page);
  await page.getByRole("button", { name: "New source" }).click();
  await page.getByLabel(/^Name/).fill(name);
  await page.getByLabel(/^Kind/).selectOption("file");
  await page.getByLabel(/^Address/).fill(url);
  await page.keyboard.press("Enter");
  await page.getByText("5 columns").waitFor();
  const means = (column: string) => page.getByLabel(`${column} means`);
  assert.deepEqual(
    await Promise.all(["order_no", "email", "date", "total", "shelf"].map((column) => means(column).inputValue())),
    ["order_id", "customer_email", "ordered_at", "amount", ""],
  );
  await page.getByLabel(/^Currency/).fill("usd");
  const save = page.getByRole("button", { name: "Save" });
  assert.equal(await save.count(), 0, "nothing is saved that was not seen");
  await page.keyboard.press("Enter");
  const preview = page.getByRole("region", { name: "3. What it would bring" });
  await preview.getByRole("cell", { name: `T-${stamp}` }).waitFor();
  await preview.getByText(/1 orders?, worth \$12\.50/).waitFor();
  assert.deepEqual(await findings(page), [], "axe, the preview");
  await means("shelf").selectOption("category");
  await preview.getByText("Something was changed since; look again before you save.").waitFor();
  assert.ok(await save.isDisabled());
  await page.getByRole("button", { name: "Show what it would bring" }).click();
  await preview.getByText("→ category").waitFor();
  await save.click();
  await page.getByRole("heading", { level: 1, name: "Sources" }).waitFor();
  const row = page.getByRole("row", { name: new RegExp(name) });
  await row.getByText("Waits for its first reading").waitFor();
  await row.getByRole("button", { name: `Read now: ${name}` }).click();
  await row.getByText(/1 added/).waitFor(READ);
  await row.getByRole("link", { name: /1 added/ }).click();
  await page.getByRole("heading", { level: 1, name: "Import" }).waitFor();
  await page.getByText("Orders inserted").waitFor();

  // What is not there any more stops it, and is said with the way on.
  there.file(`${name}.csv`, null);
  await page.goto("/manage/sources");
  await row.getByRole("button", { name: `Read now: ${name}` }).click();
  await row.getByText("Not read any more").waitFor(READ);
  there.file(`${name}.csv`, `order_no,email,date,total,place\nU-${stamp},b@example.com,2026-10-02,8.00,B\n`);
  await row.getByRole("link", { name: `Look at it and save it again: ${name}` }).click();
  await page.getByRole("button", { name: "Look at its columns" }).click();
  await page
    .getByRole("row", { name: /^shelf/ })
    .getByText("not there")
    .waitFor();
  await means("shelf").selectOption("");
  await page.getByRole("button", { name: "Show what it would bring" }).click();
  await preview.getByRole("cell", { name: `U-${stamp}` }).waitFor();
  await save.click();
  await row.getByText("Read every night").waitFor();
  await row.getByRole("button", { name: `Remove: ${name}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await row.waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await close();
});

test("a table is read with a password that is typed once", async () => {
  const database = new globalThis.URL(process.env.DESK_SOURCE_DATABASE ?? "");
  await promisify(execFile)("psql", [
    database.href,
    "-c",
    "drop schema if exists till cascade; create schema till; create table till.line (order_number text, customer_id text, ordered_at timestamptz, amount numeric(12,2), updated_at timestamptz); insert into till.line values ('P-1', 'p1', '2026-10-01', 11.00, '2026-10-01'), ('P-2', 'p2', '2026-10-02', 7.00, '2026-10-02')",
  ]);
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/sources/new");
  await settle(page);
  await page.getByLabel(/^Name/).fill("till-table");
  await page.getByLabel(/^Server/).fill(database.hostname);
  await page.getByLabel(/^Port/).fill(database.port);
  await page.getByLabel(/^Database/).fill(database.pathname.slice(1));
  await page.getByLabel(/^User/).fill(decodeURIComponent(database.username));
  await page.getByLabel(/^Table or view/).fill("till.lines");
  await page.getByLabel(/^Password/).fill("a secret that is shown nowhere");
  await page.keyboard.press("Enter");
  await page
    .getByRole("alert")
    .getByText(/There is no table or view till.lines/)
    .waitFor();
  await page.getByLabel(/^Table or view/).fill("till.line");
  await page.getByLabel(/^Column of changes/).fill("updated_at");
  await page.keyboard.press("Enter");
  await page
    .getByRole("row", { name: /^amount/ })
    .getByText(/numeric/)
    .waitFor();
  await page.getByLabel(/^Currency/).fill("EUR");
  await page.keyboard.press("Enter");
  await page.getByRole("cell", { name: "P-2" }).waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "till-table" }).click();
  await page.getByRole("button", { name: "Look at its columns" }).click();
  await page.getByText("5 columns").waitFor();
  assert.ok(!(await page.content()).includes("a secret that is shown nowhere"));
  await api("/api/orders/sources/till-table", { method: "DELETE" });
  assert.deepEqual(
    faults.filter((fault) => !/status of 422/.test(fault)),
    [],
  );
  await close();
});

test("both sides of the help desk are compared, and what differed is listed", async () => {
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/help-desk");
  await settle(page);
  const tag = `seen-${Date.now()}`;
  // One that was put off while nobody was there, or has looked already, would stand in for the new one.
  const older = await api<{ items: { id: string }[] }>(
    "/api/jobs?kind=reconcile_gorgias&state=scheduled,retrying,ready,running",
  );
  for (const { id } of older.items) await over(id);
  there.ticket({
    id: 880_001,
    subject: "Is the box set signed?",
    name: "Mira Okafor",
    email: "mira@example.com",
    tags: ["question", tag],
    text: "The page says so, the picture does not.",
  });
  await page.getByRole("button", { name: "Compare now" }).click();
  const differences = page.getByRole("region", { name: "What differed" });
  await differences
    .getByRole("cell", { name: new RegExp(tag) })
    .first()
    .waitFor(READ);
  await page.getByText("The last comparison came to its end").waitFor();
  assert.deepEqual(await findings(page), [], "axe");
  await differences.getByRole("link", { name: "Open" }).first().click();
  await page.waitForURL(/\/desk\?ticket=/);
  assert.deepEqual(faults, []);
  await close();
});

test("a secret of the help desk is replaced without a gap and never shown", async () => {
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/help-desk");
  await settle(page);
  const panel = page.getByRole("region", { name: "Connection" });
  await panel.getByText(/a secret in X-Webhook-Token/).waitFor();
  await panel.getByRole("button", { name: "Change" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^Webhooks are proven by/).selectOption("token");
  const secret = `a new secret of the tests ${Date.now()}`;
  await dialog.getByLabel(/^Secret/).fill(secret);
  assert.ok(await dialog.getByLabel(/^The secret of before/).isChecked());
  assert.deepEqual(await findings(page), [], "axe, the dialog");
  await page.keyboard.press("Enter");
  await panel.getByText(/two secrets/).waitFor();
  assert.ok(!(await page.content()).includes(secret));
  // A key does not follow to another address.
  await panel.getByRole("button", { name: "Change" }).click();
  await dialog.getByLabel(/^Address of its API/).fill("https://other.gorgias.com/api");
  await dialog.getByText(/belongs to another address/).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  // What the other tests deliver with holds on.
  const token = process.env.DESK_WEBHOOK_TOKEN ?? "";
  const known = await api<{ base_url: string; email: string }>("/api/gorgias/connection");
  const verification = { mode: "token", secret: token };
  await post("/api/gorgias/connection", { base_url: known.base_url, email: known.email, verification }, "PUT");
  assert.deepEqual(faults, []);
  await close();
});

test("a role that may not sees no door and is told so at the page", async () => {
  const { page, close } = await open(browser, BEN);
  for (const path of ["/manage/shopify", "/manage/sources", "/manage/sources/new"]) {
    await page.goto(path);
    await page.getByRole("alert").getByText("You may not do this").waitFor();
  }
  const menu = page.getByRole("navigation", { name: "Screens" });
  for (const name of ["Shopify", "Sources", "Help desk"]) {
    assert.equal(await menu.getByRole("link", { name, exact: true }).count(), 0, name);
  }
  await close();
});
