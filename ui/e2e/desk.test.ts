// An agent's day by keys alone: signing in, the most urgent ticket, an answer that is taken back, a note, resolving; and what
// stands beside a draft.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { api, post } from "./api.ts";
import { findings } from "./axe.ts";
import { launch, open, settle } from "./browser.ts";
import { archive, desk, draft, mailbox } from "./desk.ts";
import { ANN, PASSWORD } from "./people.ts";
import { held } from "./queues.ts";

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
  // The rows stay as they came first; what the order is by now, the worker may have changed since.
  const listed = page.waitForResponse((response) => /\/api\/tickets\?.*order=smart/.test(response.url()));
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === "/desk");
  await settle(page);
  await page.getByText("Live", { exact: true }).waitFor();

  const most = (await (await listed).json()) as { items: { subject: string }[] };
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: most.items[0]?.subject ?? "" }).waitFor();
  // Also the conversation: what was not seen of it would be shown before anything leaves.
  await settle(page);

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
  await page.getByRole("button", { name: "Send and resolve" }).click();
  await page
    .getByRole("alert")
    .getByText(/Not sent: no mailbox is connected.*The ticket stays as it is/)
    .waitFor();
  await page.getByRole("button", { name: "Resolve", exact: true }).waitFor();
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
  await archive(made.id);
});

test("a reply that resolved its ticket opens it again when it is taken back", async () => {
  const message = { from: "customer", text: "Where is it?" };
  const made = await post<{ id: string }>("/api/tickets", {
    subject: `Resolved too early ${Date.now()}`,
    channel: "email",
    customer: { email: "early@example.com" },
    message,
  });
  await mailbox();
  const { page, faults, close } = await open(browser, ANN);
  await page.goto(`/desk?ticket=${made.id}`);
  await settle(page);
  await page.locator(".desk-composer textarea").fill("It left on Monday.");
  await page.keyboard.press("Control+Shift+Enter");
  // It stays for as long as the pointer is at it.
  const undo = page.getByRole("alert").getByRole("button", { name: "Undo" });
  await undo.hover();
  await page.getByRole("button", { name: "Open again" }).waitFor();
  await undo.click();
  await page.getByRole("button", { name: "Resolve", exact: true }).waitFor();
  assert.equal((await api<{ status: string }>(`/api/tickets/${made.id}`)).status, "open");
  assert.deepEqual(faults, []);
  await close();
  await archive(made.id);
});

test("a call is written down by keys, and who had no address gets one and is answered", async () => {
  await mailbox();
  const { page, faults, close } = await open(browser, ANN);
  await page.goto("/desk");
  await settle(page);
  const subject = `She called ${Date.now()}`;
  await page.keyboard.press("c");
  const dialog = page.getByRole("dialog", { name: "New ticket" });
  await dialog.getByText("They called").click();
  await dialog.getByLabel("Name").fill("Nora Field");
  await dialog.getByLabel("Subject").fill(subject);
  await dialog.getByLabel("What was said, for colleagues").fill("The lid is missing.");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: subject }).waitFor();
  await messages(page).getByText("The lid is missing.").waitFor();

  const message = { from: "customer", text: "Hello?" };
  const nameless = await post<{ id: string }>("/api/tickets", { subject: "No address", channel: "email", message });
  await page.goto(`/desk?ticket=${nameless.id}`);
  await settle(page);
  const reply = messages(page).getByRole("listitem").filter({ hasText: "It left on Monday." });
  // However long the address takes to be written, the reply is not tried before.
  await held("default", async () => {
    await page.locator(".desk-composer textarea").fill("It left on Monday.");
    await page.keyboard.press("Control+Enter");
    await reply.getByRole("button", { name: "Set the address" }).click();
    await page.getByRole("dialog").getByLabel("E-mail").fill("nora@example.com");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    // It is not too late: it leaves as if the address had been there.
    await reply.getByText(/^On its way/).waitFor();
    await reply.getByRole("button", { name: "Take back" }).click();
    await reply.getByText("Taken back", { exact: true }).waitFor();
  });
  assert.deepEqual(faults, []);
  await close();
  await archive(nameless.id);
});

test("the articles that a draft was written from stand beside it", async () => {
  const word = `zorbles${Date.now()}`;
  const body = `Your ${word} arrived dusty and is wiped with a dry cloth.`;
  const article = await post<{ id: string }>("/api/articles", {
    slug: `care-${Date.now()}`,
    is_public: true,
    default_language: "en",
    texts: { en: { title: `Caring for ${word}`, body } },
  });
  await post(`/api/articles/${article.id}/publish`, {});
  const made = await post<{ id: string }>("/api/tickets", {
    subject: `My ${word} arrived dusty`,
    channel: "email",
    customer: { email: "dusty@example.com", name: "Dora" },
    message: { from: "customer", text: `My ${word} arrived dusty. How is it wiped?` },
  });
  await draft(made.id);
  const { page, faults, close } = await open(browser, ANN);
  await page.goto(`/desk?ticket=${made.id}`);
  await settle(page);
  await page.keyboard.press("d");
  const named = page.getByRole("list", { name: "Articles of the draft" });
  await named.getByText("Uses:").waitFor();
  assert.deepEqual(await findings(page), [], "axe, the draft");
  await named.getByRole("link", { name: `Caring for ${word}` }).click();
  await page.getByRole("heading", { level: 1, name: `Caring for ${word}` }).waitFor();
  assert.deepEqual(faults, []);
  await close();
  await api(`/api/articles/${article.id}`, { method: "DELETE" });
  await archive(made.id);
});

function messages(page: Page) {
  return page.getByRole("list", { name: /newest last/ });
}
