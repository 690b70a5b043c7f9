// An import that was taken back says so, on its page and in the list. The last of the tests: the shop's profiles follow it.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser } from "playwright-core";
import { done, KEY, URL } from "./api.ts";
import { launch, open, settle } from "./browser.ts";

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("an import that was taken back reads so", async () => {
  const order = `taken-${Date.now()}`;
  const file = `order_id,customer_id,order_date,quantity,amount\n${order},990001,2026-01-05,1,12.50\n`;
  const response = await fetch(`${URL}/api/orders/import?currency=USD`, {
    method: "POST",
    headers: { "X-API-Key": KEY, "Content-Type": "text/csv" },
    body: file,
  });
  assert.equal(response.status, 202, await response.clone().text());
  const { job_id: id } = (await response.json()) as { job_id: string };
  await done(id);

  const { page, faults, close } = await open(browser, "operator");
  await page.goto(`/manage/imports/${id}`);
  await settle(page);
  const main = page.getByRole("main");
  await main.getByText("Done", { exact: true }).waitFor();
  await main.getByRole("button", { name: "Take the import back" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take the import back" }).click();
  // A toast may lead somewhere.
  await page.getByRole("alert").getByRole("link", { name: "Follow it" }).waitFor();
  await main.getByText("Taken back", { exact: true }).waitFor({ timeout: 90_000 });
  assert.equal(await main.getByRole("button", { name: "Take the import back" }).count(), 0);

  await page.goto("/manage/imports");
  await settle(page);
  const row = page.getByRole("row").filter({ has: page.locator(`a[href="/manage/imports/${id}"]`) });
  await row.getByText("Taken back", { exact: true }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});
