// A file whose columns nobody knows is mapped on the page, looked at and imported; a large archive is looked at as a whole.
// One of the last of the tests: the shop’s profiles follow it.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { crc32 } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { ENCODINGS, PROFILES } from "../src/manage/imports/reading.ts";
import { api, done, KEY, URL } from "./api.ts";
import { findings } from "./axe.ts";
import { launch, open, settle } from "./browser.ts";

/** A job may wait for others. */
const READ = { timeout: 90_000 };

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A browser notes every refusal, and these are asked for. */
const others = (faults: string[]) => faults.filter((fault) => !/status of 422/.test(fault));

const choose = (page: Page, name: string, mimeType: string, buffer: Buffer) =>
  page.locator("input[type=file]").setInputFiles({ name, mimeType, buffer });

test("columns of one’s own are mapped, dates are said, and the file is imported", async () => {
  const stamp = Date.now();
  const name = `own-${stamp}`;
  const text = `Kennung;Wann;Wer;Was;Wert\nW-${stamp};03/04/2026;w-${stamp}@example.com;Topf;10,50\n`;
  const { page, faults, close } = await open(browser, "operator");
  await page.goto("/manage/imports");
  await settle(page);
  const fresh = page.getByRole("region", { name: "New import" });
  await choose(page, `${name}.csv`, "text/csv", Buffer.from(text));

  // It is not known which column is what, and the page says where that is said.
  await fresh
    .getByRole("alert")
    .getByText(/Say under “Columns”/)
    .waitFor();
  const means = (column: string) => fresh.getByLabel(`${column} means`);
  const save = fresh.getByRole("button", { name: "Save and look again" });
  assert.ok(await save.isDisabled());
  await means("Kennung").selectOption("order_id");
  await means("Wann").selectOption("ordered_at");
  await means("Wer").selectOption("customer_email");
  await means("Was").selectOption("title");
  await fresh.getByText("No column means yet: an amount.").waitFor();
  await means("Wert").selectOption("amount");
  assert.equal(await fresh.getByLabel("Save as").inputValue(), name);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    await settle(page);
    assert.deepEqual(await findings(page), [], `axe, ${colorScheme}`);
  }
  await page.setViewportSize({ width: 320, height: 860 });
  await settle(page);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), "as wide as 320 px");
  await page.setViewportSize({ width: 1360, height: 860 });
  await save.press("Enter");

  // 03/04 may be March or April: that is asked for in a field which is there.
  const go = fresh.getByRole("button", { name: "Import it" });
  await fresh
    .getByText(/choose it in “Dates”/)
    .first()
    .waitFor();
  assert.ok(await go.isDisabled());
  await fresh.getByLabel("Currency").fill("eur");
  await fresh.getByLabel("Dates").selectOption("day_first");
  await fresh.getByText(/1 orders?, worth €10\.50/).waitFor();
  await fresh.getByRole("cell", { name: "3 Apr 2026" }).waitFor();
  await go.click();
  await page.getByRole("heading", { level: 1, name: `Import: ${name}.csv` }).waitFor(READ);
  const main = page.getByRole("main");
  await main.getByText("Done", { exact: true }).waitFor(READ);
  await main.getByText("Orders inserted").waitFor();
  await main.getByText("Orders left, as newer ones are stored").waitFor();
  const id = page.url().split("/").at(-1) ?? "";

  // The next file of this kind is read by the name alone.
  await page.goto("/manage/imports");
  await settle(page);
  await choose(page, "next.csv", "text/csv", Buffer.from(text));
  await fresh.getByRole("alert").waitFor();
  await fresh.getByLabel("Mapping", { exact: true }).click();
  await page.getByRole("option", { name }).click();
  await fresh.getByText("→ order id").waitFor();

  assert.deepEqual(others(faults), []);
  await close();
  await done((await api<{ job_id: string }>(`/api/orders/imports/${id}/undo`, { method: "POST" })).job_id);
  await api(`/api/orders/import/mappings/${name}`, { method: "DELETE" });
});

test("an archive of more than a preview’s beginning is sent as a whole and can be imported", async () => {
  const note = "a long note of this order that makes the file large. ".repeat(20);
  const rows = Array.from({ length: 9_000 }, (_, at) => `Z-${at},z-${at}@example.com,2026-03-01,1.00,EUR,${note}`);
  const text = ["order_id,email,ordered_at,amount,currency,note", ...rows, ""].join("\n");
  const { page, faults, close } = await open(browser, "operator");
  await page.goto("/manage/imports");
  await settle(page);
  const archive = archived("orders.csv", Buffer.from(text));
  // More than is looked at in memory, so the disk is gone over as well.
  assert.ok(archive.length > 8 * 1024 * 1024);
  await choose(page, "orders.zip", "application/zip", archive);
  const fresh = page.getByRole("region", { name: "New import" });
  await fresh.getByText(/9,000 rows, 9,000 orders, worth €9,000\.00/).waitFor(READ);
  assert.ok(await fresh.getByRole("button", { name: "Import it" }).isEnabled());
  assert.deepEqual(faults, []);
  await close();
});

test("the exports and encodings that can be chosen are such as the api knows", async () => {
  const preview = (query: string) =>
    fetch(`${URL}/api/orders/import/preview?${query}`, {
      method: "POST",
      headers: { "X-API-Key": KEY, "Content-Type": "text/csv" },
      body: "order_id,email,ordered_at,amount\n1,a@example.com,2026-03-01,5\n",
    });
  const { detail } = (await (await preview("profile=none")).json()) as { detail: string };
  const known = /must be one of (.*), not/.exec(detail)?.[1]?.split(", ") ?? [];
  assert.deepEqual(PROFILES.map(({ value }) => value).sort(), known.sort(), detail);
  for (const { value } of ENCODINGS) {
    const answer = await preview(`encoding=${value}`);
    assert.notEqual(answer.status, 400, `${value}: ${await answer.text()}`);
  }
});

/** A ZIP archive of one file, stored as it is. */
function archived(name: string, content: Buffer): Buffer {
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(content.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\u0003\u0004"), common, Buffer.from(name), content]);
  // Made by, then the same; comment, disk, attributes and the place of the local head follow, all zero.
  const central = Buffer.concat([
    Buffer.from("PK\u0001\u0002\u0014\u0000"),
    common,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}
