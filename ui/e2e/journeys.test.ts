// The main journeys, by keys alone where a key can do it, and what a person sees when the server is away.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser } from "playwright-core";
import { api } from "./api.ts";
import { launch, open, settle } from "./browser.ts";

type Answer = { job_id: string };
type List = { items: { queue: string; paused: boolean }[] };

/** A hundred jobs take their time where others run as well. */
const DIED = { timeout: 90_000 };

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("the palette leads to a screen and gives the focus back", async () => {
  const { page, faults, close } = await open(browser, "operator");
  await page.goto(`/operate/workers`);
  await settle(page);
  await page.getByRole("button", { name: /Find/ }).focus();
  await page.keyboard.press("Control+k");
  const search = page.getByRole("textbox", { name: "Where to?" });
  await search.waitFor();
  await page.keyboard.press("Escape");
  await search.waitFor({ state: "hidden" });
  await page.locator("button:focus", { hasText: "Find" }).waitFor();
  await page.keyboard.press("Control+k");
  await search.fill("dead");
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /Dead letters/ })
    .waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Dead letters" }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test("single keys lead from screen to screen and row to row, and can be switched off", async () => {
  const { page, faults, close } = await open(browser, "operator");
  await page.goto(`/operate/queues`);
  await settle(page);
  await page.keyboard.type("gd");
  await page.getByRole("heading", { name: "Dead letters" }).waitFor();
  await settle(page);
  await page.keyboard.press("j");
  const first = await page.evaluate(() => document.activeElement?.closest("tr")?.rowIndex);
  await page.keyboard.press("j");
  const second = await page.evaluate(() => document.activeElement?.closest("tr")?.rowIndex);
  assert.deepEqual([first, second], [1, 2]);
  await page.keyboard.press("?");
  const off = page.getByRole("switch", { name: /Single keys/ });
  // The dialog has taken the focus, and leaves it from now on where it is.
  await page.getByRole("dialog").locator(":focus").waitFor();
  await off.press("Space");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.keyboard.type("gq");
  await settle(page);
  assert.match(page.url(), /operate\/dead/);
  assert.deepEqual(faults, []);
  await close();
});

test("a queue is paused with a reason and the pause taken back, by keys", async () => {
  const { page, faults, close } = await open(browser, "operator");
  await page.goto(`/operate/queues`);
  await settle(page);
  await page.getByRole("button", { name: "Pause imports" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("input:focus").and(page.getByLabel("Reason")).waitFor();
  await page.keyboard.type("the disk is being changed");
  await page.keyboard.press("Enter");
  // It stays for as long as it has the focus.
  const undo = page.getByRole("button", { name: "Undo" });
  await undo.focus();
  await page.getByText("Paused: the disk is being changed").waitFor();
  assert.ok((await api<List>("/api/admin/queues")).items.find((queue) => queue.queue === "imports")?.paused);
  await undo.press("Enter");
  await page.getByRole("button", { name: "Pause imports" }).waitFor();
  assert.ok(!(await api<List>("/api/admin/queues")).items.find((queue) => queue.queue === "imports")?.paused);
  assert.deepEqual(faults, []);
  await close();
});

test("what is done to a queue is in sight beside all its figures, and a queue without a job is there", async () => {
  const { page, faults, close } = await open(browser, "operator", { width: 1300 });
  await page.goto("/operate/queues");
  await settle(page);
  const drain = page.getByRole("button", { name: "Drain imports" });
  const box = await drain.boundingBox();
  assert.ok(box && box.x + box.width <= 1300, `the button ends at ${box && box.x + box.width}`);
  const listed = (await api<List>("/api/admin/queues")).items.map((queue) => queue.queue);
  for (const queue of ["imports", "intelligence", "outbound"]) assert.ok(listed.includes(queue), `${listed}`);
  assert.deepEqual(faults, []);
  await close();
});

test("a hundred jobs and more are retried only with a reason and the number typed; the canary's verdict appears", async () => {
  const { page, faults, close } = await open(browser, "operator");
  const cause = `no box fits ${crypto.randomUUID().slice(0, 6).replaceAll(/\d/g, "x")}`;
  const jobs = Array.from({ length: 105 }, () => ({ kind: "probe", payload: { fail_for_good: cause } }));
  await api("/api/jobs/batch", { method: "POST", body: JSON.stringify({ jobs }) });
  await page.goto(`/operate/dead`);
  const retry = page.getByRole("button", { name: `Retry: ${cause}` });
  await retry.waitFor();
  await page.getByRole("row").filter({ hasText: cause }).getByText("105", { exact: true }).first().waitFor(DIED);
  await retry.click();
  const verb = page.getByRole("dialog").getByRole("button", { name: "Retry" });
  await page.getByLabel("Reason").fill("boxes have come");
  await page.getByLabel("Type 105 to go on").waitFor();
  assert.ok(await verb.isDisabled());
  await page.getByLabel("Type 105 to go on").fill("105");
  await page.keyboard.press("Enter");
  await page.getByText(/The canary says no/).waitFor(DIED);
  const discard = page.getByRole("button", { name: `Discard: ${cause}` });
  await discard.click();
  await page.getByLabel("Reason").fill("nothing can help them");
  await page.getByLabel("Type 105 to go on").fill("105");
  await page.keyboard.press("Enter");
  await page.getByText("Done: 105 jobs").waitFor(DIED);
  assert.deepEqual(faults, []);
  await close();
});

test("a running job is followed live, and its end by another's hand is seen at once", async () => {
  const { page, faults, close } = await open(browser, "operator");
  const { job_id } = await api<Answer>("/api/jobs", {
    method: "POST",
    body: JSON.stringify({ kind: "probe", payload: { name: "a long one", sleep_ms: 110_000 } }),
  });
  await page.goto(`/operate/jobs/${job_id}`);
  const standing = page.getByLabel("Where it stands");
  await standing.getByText("Running").waitFor();
  await standing.getByText("live", { exact: true }).waitFor();
  const asked = Date.now();
  await api(`/api/jobs/${job_id}/cancel`, { method: "POST", body: JSON.stringify({ reason: "shown in a test" }) });
  // By the stream: the page asks for the job no second time by itself.
  await standing.getByText("Cancelled", { exact: true }).waitFor();
  console.log(`figure: ui_cancel_seen ${Date.now() - asked} ms`);
  assert.deepEqual(faults, []);
  await close();
});

test("a segment is built with a count for each condition, and what was typed survives a reload", async () => {
  const { page, faults, close } = await open(browser, "operator");
  await page.goto(`/manage/segments/new`);
  await page.getByText(/of 23,570 customers/).waitFor();
  await page.getByRole("button", { name: "+ Condition" }).click();
  await page.getByLabel("Name").fill("Kept");
  await page.reload();
  await page.getByText(/of 23,570 customers/).waitFor();
  assert.equal(await page.getByLabel("Name").inputValue(), "Kept");
  assert.deepEqual(faults, []);
  await close();
});

test("when the server is away the screen says so, keeps what it had, and goes on by itself", async () => {
  const { page, close } = await open(browser, "operator");
  await page.goto(`/operate/queues`);
  await settle(page);
  await page.context().setOffline(true);
  await page.getByText("The server does not answer").waitFor();
  assert.ok(await page.getByRole("main").getByRole("link", { name: "imports" }).isVisible());
  // By the button, or before that by itself, which takes the button away.
  await page.getByRole("button", { name: "Try again" }).focus();
  await page.context().setOffline(false);
  await page.keyboard.press("Enter");
  await page.getByText("The server does not answer").waitFor({ state: "hidden" });
  await close();
});

test("a refusal says what to do: 401, 403, 404, 409, 412, 422, 429, 500", async () => {
  const { page, close } = await open(browser, "operator");
  const said: [number, string][] = [
    [401, "You are signed out"],
    [403, "You may not do this"],
    [404, "This does not exist"],
    [409, "This cannot be done as it is now"],
    [412, "Somebody was faster"],
    [422, "The server cannot use this"],
    [429, "Too many requests"],
    [500, "Something went wrong in the server"],
  ];
  for (const [status, title] of said) {
    await page.route("**/api/admin/workers**", (route) =>
      route.fulfill({
        status,
        contentType: "application/problem+json",
        body: JSON.stringify({ status, detail: "said by the test" }),
      }),
    );
    await page.goto(`/operate/workers`);
    await page.getByRole("alert").getByText(title).waitFor();
    await page.getByText("said by the test").waitFor();
    await page.unrouteAll({ behavior: "wait" });
  }
  await close();
});

test("what others wrote is text: HTML, right-to-left, emoji and very long words change nothing", async () => {
  const { page, faults, close } = await open(browser, "operator", { width: 320 });
  const name = `<img src=x onerror=alert(1)> مرحبا 🎻 ${"long".repeat(60)}`;
  await api("/api/jobs", {
    method: "POST",
    body: JSON.stringify({ kind: "probe", payload: { name, fail_for_good: name } }),
  });
  await page.goto(`/operate/dead`);
  await page.getByText("<img src=x").first().waitFor(DIED);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${overflow} px wider than the window`);
  assert.deepEqual(faults, []);
  await close();
});
