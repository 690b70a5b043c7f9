// Questions to the shop's data, assistants that connect, and what models cost: each as a person would do it, against the
// api and the worker. There is no key for a model, so the grammar answers.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser, Locator } from "playwright-core";
import { api, done, URL } from "./api.ts";
import { findings } from "./axe.ts";
import { launch, open, settle } from "./browser.ts";
import { ANN, BEN, MAY } from "./people.ts";
import { used } from "./questions.ts";
import { held } from "./queues.ts";
import { service } from "./service.ts";

let browser: Browser;
before(async () => {
  await service();
  browser = await launch();
});
after(() => browser.close());

/** What others asked of the machine may be before a question. */
const ANSWERED = { timeout: 90_000 };

async function textOf(shown: Locator): Promise<string> {
  return (await shown.textContent()) ?? "";
}

test("a question is asked, answered with rows that open, gone on with, and forgotten", async () => {
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/ask");
  await settle(page);
  const box = page.getByLabel("Your question");
  await box.fill("Which customers are most likely to leave?");
  await page.reload();
  await settle(page);
  assert.equal(await box.inputValue(), "Which customers are most likely to leave?", "what was typed survives");
  await box.press("Enter");
  const first = page.getByRole("region", { name: "Which customers are most likely to leave?", exact: true });
  await first.getByText("Answered", { exact: true }).waitFor(ANSWERED);
  await first.getByText("without a model").waitFor();
  assert.equal(await box.inputValue(), "", "what was asked is not asked again");
  assert.match(page.url(), /conversation=/);
  const rows = first.getByRole("region", { name: /^Rows behind it/ });
  await rows.getByRole("row").nth(10).waitFor();
  const customer = await textOf(rows.getByRole("link", { name: /^C-/ }).first());
  await first.getByRole("button", { name: "Show as a table" }).click();
  await first.getByRole("button", { name: "Show as a chart" }).waitFor();
  await first.getByText(/How it was computed/).click();
  await first.getByText("analysis_type: churn_risk").waitFor();
  await first.getByText(/rows of tables/).waitFor();
  assert.deepEqual(await findings(page), [], "axe, an answer with everything open");

  await page.getByRole("button", { name: `What did ${customer} buy?` }).press("Enter");
  const second = page.getByRole("region", { name: `What did ${customer} buy?`, exact: true });
  await second.getByText("Answered", { exact: true }).waitFor(ANSWERED);
  await second.getByText(/The last orders of/).waitFor();
  // It goes on from what was said before: nobody is named here.
  await box.fill("Will they leave?");
  await box.press("Enter");
  const third = page.getByRole("region", { name: "Will they leave?", exact: true });
  await third.getByText(new RegExp(`${customer} orders no more`)).waitFor(ANSWERED);
  await box.fill("forecast");
  await box.press("Enter");
  await page.getByText("Asks back").waitFor(ANSWERED);
  await page.getByRole("region", { name: "Do you mean" }).getByRole("button").first().waitFor();

  const address = page.url();
  await third.getByRole("link", { name: customer }).click();
  await page.getByRole("heading", { level: 1, name: `Customer ${customer}` }).waitFor();
  await settle(page);
  await page.goto("/manage/ask");
  await page.getByRole("button", { name: "Back to the last conversation" }).click();
  await third.waitFor();
  assert.deepEqual(faults, []);

  // Another person does not see it.
  const other = await open(browser, ANN);
  await other.page.goto(new globalThis.URL(address).pathname + new globalThis.URL(address).search);
  await other.page.getByText("This conversation is over").waitFor();
  await other.close();

  await page.getByRole("button", { name: "Forget it" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Forget it" }).click();
  await page.getByRole("region", { name: "For example" }).waitFor();
  assert.ok(!page.url().includes("conversation="));
  await page.goto(new globalThis.URL(address).pathname + new globalThis.URL(address).search);
  await page.getByText("This conversation is over").waitFor();
  await close();
});

test("a month of a line opens the forecast that it is of", async () => {
  const { job_id: job } = await api<{ job_id?: string }>("/api/analytics/forecasts/revenue");
  if (job !== undefined) await done(job);
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/ask");
  await settle(page);
  const question = "What revenue do you expect for the next quarter?";
  await page.getByLabel("Your question").fill(question);
  await page.getByLabel("Your question").press("Enter");
  const asked = page.getByRole("region", { name: question, exact: true });
  await asked.getByText("Answered", { exact: true }).waitFor(ANSWERED);
  // The picture is for pointers alone; the rows below have the same links.
  const months = asked.locator("figure svg a");
  const rows = asked.getByRole("region", { name: /^Rows behind it/ });
  assert.equal(await months.count(), await rows.getByRole("link").count());
  await months.first().click();
  await page.waitForURL(/\/manage\/forecasts\?metric=revenue/);
  assert.deepEqual(faults, []);
  await close();
});

test("a question that waits says for what, is stopped, and its words come back", async () => {
  const { page, faults, close } = await open(browser, MAY);
  await held("ai", async () => {
    await page.goto("/manage/ask");
    await settle(page);
    const box = page.getByLabel("Your question");
    await box.fill("Who bought only once?");
    await box.press("Enter");
    const asked = page.getByRole("region", { name: "Who bought only once?", exact: true });
    await asked.getByText(/It is next|before it/).waitFor();
    assert.deepEqual(await findings(page), [], "axe, a question that waits");
    // The job is still known after a reload of the tab.
    await page.reload();
    await asked.getByText(/It is next|before it/).waitFor();
    const { items } = await api<{ items: { id: string }[] }>("/api/jobs?kind=answer_question&state=ready&limit=1");
    await asked.getByRole("button", { name: "Stop" }).click();
    await asked.waitFor({ state: "detached" });
    assert.equal(await box.inputValue(), "Who bought only once?");
    const job = await api<{ state: string }>(`/api/jobs/${items[0]?.id}`);
    assert.equal(job.state, "cancelled");
    assert.deepEqual(faults, []);
  });
  // The conversation goes on.
  await page.getByLabel("Your question").press("Enter");
  await page.getByText("Answered", { exact: true }).waitFor(ANSWERED);
  await close();
});

test("an assistant is connected with a key of its own, and its use is seen", async () => {
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/assistants");
  await settle(page);
  await page.getByRole("button", { name: "Make a key" }).click();
  const dialog = page.getByRole("dialog");
  const name = `editor ${Date.now()}`;
  await dialog.getByRole("textbox", { name: /^Name/ }).fill(name);
  await dialog.getByLabel(/^Looking up one customer/).check();
  assert.deepEqual(await findings(page), [], "axe, the dialog");
  await dialog.getByRole("button", { name: "Make a key" }).click();
  const key = await textOf(dialog.locator("code"));
  await dialog.getByRole("button", { name: "Done" }).click();
  const configuration = page.getByRole("region", { name: "Configuration to copy" });
  await configuration.getByText(`Bearer ${key}`).waitFor();
  await configuration.getByLabel("Client").selectOption("Visual Studio Code");
  assert.ok(!(await page.content()).includes(key), "a client that asks for the key is given none");

  // What the configuration says works.
  const address = await textOf(page.getByRole("region", { name: "Where they connect" }).locator("code"));
  const speak = async (method: string, params: unknown) => {
    const response = await fetch(address, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${key}`,
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    assert.equal(response.status, 200, method);
    return ((await response.json()) as { result: Record<string, unknown> }).result;
  };
  const { tools } = (await speak("tools/list", {})) as { tools: { title: string }[] };
  assert.equal(tools.length, 8);
  const shown = page.getByRole("region", { name: "What they can ask" });
  for (const tool of tools) await shown.getByText(tool.title, { exact: false }).first().waitFor();
  const looked = await speak("tools/call", {
    name: "lookup_customer",
    arguments: { info_type: "profile", customer_id: "22061" },
  });
  assert.equal(looked.isError ?? false, false);
  const isNoted = async () => {
    const { items } = await api<{ items: { detail: { route?: string } }[] }>(
      "/api/audit?action=customer-data.view&limit=100",
    );
    return items.some((line) => line.detail?.route === "/mcp");
  };
  // It is written behind the request's back.
  while (!(await isNoted())) await settle(page);

  await page.reload();
  await settle(page);
  const row = page.getByRole("row", { name: new RegExp(name) });
  await row.getByText(/^1, the last/).waitFor();
  assert.match(await textOf(row), /now|ago/);
  assert.ok(!(await page.content()).includes(key), "the key is shown once");
  await row.getByRole("link", { name: `Revoke under API keys: ${name}` }).click();
  await page.getByRole("button", { name: `Revoke: ${name}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page
    .getByRole("row", { name: new RegExp(name) })
    .getByText("Revoked")
    .waitFor();
  await page.goto("/manage/assistants");
  await settle(page);
  assert.equal(await page.getByRole("row", { name: new RegExp(name) }).count(), 0);
  assert.deepEqual(faults, []);
  await close();
});

test("what models cost is shown by feature and day, and the budget warns, stops and is put back", async () => {
  await used();
  const { page, faults, close } = await open(browser, MAY);
  await page.goto("/manage/usage");
  await settle(page);
  const features = page.getByRole("region", { name: "By feature" }).last();
  await features.getByRole("link", { name: "Drafting replies" }).click();
  await page.waitForURL(/feature=draft_reply/);
  assert.equal(await features.getByRole("row").count(), 2, "a feature's number leads to its lines");
  await page.getByLabel("For what").selectOption("Everything");
  await page.getByRole("button", { name: "Show as a table" }).click();
  await page.getByRole("button", { name: "Show as a chart" }).click();

  const budget = page.getByRole("region", { name: "Budget" });
  await budget.getByText("Nothing limits what models may cost.").waitFor();
  await budget.getByRole("button", { name: "Change" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("There is a limit").check();
  await dialog.getByLabel(/^A month may cost/).fill("0.01");
  await dialog.getByLabel(/^Rounds/).fill("13");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("must be 1 to 12").waitFor();
  assert.equal(await dialog.getByLabel(/^A month may cost/).inputValue(), "0.01", "a refusal leaves what was typed");
  assert.deepEqual(await findings(page), [], "axe, the dialog");
  await dialog.getByLabel(/^Rounds/).fill("5");
  await dialog.getByRole("button", { name: "Save" }).click();
  // It stays for as long as the pointer is at it.
  const undo = page.getByRole("button", { name: "Undo" });
  await undo.hover();
  await page.getByText("The budget is used up").waitFor();
  await budget.getByText(/5 with the model/).waitFor();

  // Whoever asks is told, and so is whoever may see but not change.
  const ann = await open(browser, ANN);
  await ann.page.goto("/manage/ask");
  await ann.page.getByText("This month’s budget for models is used up").waitFor();
  await ann.page.getByRole("link", { name: "Use and budget" }).click();
  await ann.page.getByText("Somebody who may change settings changes it.").waitFor();
  assert.equal(await ann.page.getByRole("button", { name: "Change" }).count(), 0);
  assert.deepEqual(ann.faults, []);
  await ann.close();

  await undo.click();
  await budget.getByText("Nothing limits what models may cost.").waitFor();
  assert.deepEqual(
    faults.filter((fault) => !/status of 400/.test(fault)),
    [],
  );
  await close();
});

test("a role that may not is told so on each of them", async () => {
  const { page, close } = await open(browser, BEN);
  await page.goto("/manage/ask");
  await settle(page);
  await page.getByLabel("Your question").fill("Who bought only once?");
  await page.getByLabel("Your question").press("Enter");
  await page.getByRole("alert").getByText("You may not do this").waitFor();
  assert.equal(await page.getByLabel("Your question").inputValue(), "Who bought only once?");
  await page.goto("/manage/usage");
  await page.getByRole("alert").getByText("You may not do this").waitFor();
  await page.goto("/manage/assistants");
  await page.getByRole("alert").getByText("You may not do this").waitFor();
  const menu = page.getByRole("navigation", { name: "Screens" });
  await menu.getByRole("link", { name: "Tickets" }).waitFor();
  for (const name of ["Ask the shop", "Assistants", "AI use"]) {
    assert.equal(await menu.getByRole("link", { name }).count(), 0, name);
  }
  await close();
  assert.equal((await fetch(`${URL}/mcp`, { method: "POST" })).status, 401);
});
