// An agent's day by keys alone: signing in, the most urgent ticket, an answer that is taken back, a note, resolving.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { api, post } from "./api.ts";
import { launch, open, settle } from "./browser.ts";
import { desk, mailbox } from "./desk.ts";
import { ANN, PASSWORD } from "./people.ts";

const SHOP = process.env.DESK_SHOP ?? "ui";

let browser: Browser;
before(async () => {
  await desk();
  browser = await launch();
});
after(() => browser.close());

test("the most urgent ticket is answered, taken back, noted and resolved by keys alone", async () => {
  const { page, faults, close } = await open(browser, "nobody");
  await page.goto("/sign-in?next=/desk");
  await settle(page);
  await page.getByLabel("Shop").fill(SHOP);
  await page.keyboard.press("Tab");
  await page.keyboard.type(ANN.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === "/desk");
  await settle(page);
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
  const taken = messages(page).getByRole("button", { name: "Take back" });
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
  await messages(page).getByText("A replacement is packed.").first().waitFor();

  await page.keyboard.press("Escape");
  await page.keyboard.press("e");
  await page.getByRole("button", { name: "Open again" }).waitFor();
  await page.getByRole("heading", { level: 1 }).focus();
  await page.keyboard.press("e");
  await page.getByRole("button", { name: "Resolve", exact: true }).waitFor();
  assert.deepEqual(
    faults.filter((fault) => !/auth\/(session|refresh)/.test(fault)),
    [],
  );
  await close();
});

test("a reply that no mailbox can send says so, and leaves when there is one", async () => {
  const customer = { email: "unreached@example.com" };
  const message = { from: "customer", text: "Hello?" };
  const made = await post<{ id: string }>("/api/tickets", {
    subject: "No way out",
    channel: "email",
    customer,
    message,
  });
  await api(`/api/mailboxes/${await mailbox()}`, { method: "DELETE" });
  const { page, faults, close } = await open(browser, ANN);
  await page.goto(`/desk?ticket=${made.id}`);
  await settle(page);
  await page.locator(".desk-composer textarea").fill("It left on Monday.");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("alert").getByText("Not sent: no mailbox is connected").waitFor();
  const reply = messages(page).getByRole("listitem").filter({ hasText: "It left on Monday." });
  await reply.getByText("Not sent", { exact: true }).waitFor();
  await reply.getByRole("link", { name: "Connect a mailbox" }).waitFor();
  await reply.getByRole("button", { name: "Send again" }).click({ timeout: 60_000 });
  await page.getByRole("alert").getByText("the shop has no mailbox connected").first().waitFor();
  await mailbox();
  await reply.getByRole("button", { name: "Send again" }).click();
  await page.getByText("The reply is on its way again").waitFor();
  await reply.getByRole("button", { name: "Take back" }).click();
  await reply.getByText("Taken back", { exact: true }).waitFor();
  // What was refused is told by its status.
  assert.deepEqual(
    faults.filter((fault) => !/409|send-again/.test(fault)),
    [],
  );
  await close();
});

function messages(page: Page) {
  return page.getByRole("list", { name: /newest last/ });
}
