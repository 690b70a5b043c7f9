// A manager writes a rule: what conditions and acts name is chosen from what there is, and what is gone is flagged.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { api, post } from "./api.ts";
import { findings } from "./axe.ts";
import { launch, open, settle } from "./browser.ts";
import { desk } from "./desk.ts";
import { BEN, MAY } from "./people.ts";

type Named = { id: string; name: string };

let browser: Browser;
before(async () => {
  await desk();
  browser = await launch();
});
after(() => browser.close());

async function pick(page: Page, label: string, at: number, option: string) {
  await page.getByRole("combobox", { name: label }).nth(at).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

test("what a rule names is chosen from what there is, and what is gone stays to be seen", async () => {
  const { items } = await api<{ items: Named[] }>("/api/agents?limit=100");
  const ben = items.find((agent) => agent.name === BEN.name) as Named;
  const name = `Chosen ${Date.now()}`;
  const leaver = { email: `leaver-${Date.now()}@desk.example`, name: "Lea Ver", role: "agent" };
  const gone = (await post<{ agent: Named }>("/api/agents", leaver)).agent.id;
  const made = await post<Named>("/api/rules", {
    name,
    event: "message_received",
    conditions: {
      all: [
        { field: "assignee", op: "is", value: gone },
        { field: "priority", op: "one_of", value: ["urgent", "high"] },
      ],
    },
    actions: [{ do: "notify", agent_id: ben.id }],
  });
  await api(`/api/agents/${gone}`, { method: "DELETE" });
  const { page, faults, close } = await open(browser, MAY);
  await page.goto(`/manage/rules/${made.id}`);
  await settle(page);
  const holds = page.getByRole("region", { name: "What must hold" });
  await holds.getByText("Not there any more: choose another").waitFor();
  assert.equal(await holds.getByRole("combobox", { name: "Value" }).first().inputValue(), `${gone} (gone)`);
  await holds.getByText("Urgent", { exact: true }).waitFor();
  assert.deepEqual(await findings(page), [], "axe, flagged");

  await pick(page, "Value", 0, BEN.name);
  await holds.getByText("Not there any more: choose another").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Add a condition: What must hold" }).click();
  // A new condition is of the first field, which is the channel.
  await pick(page, "Value", 2, "E-mail");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved", { exact: true }).waitFor();
  const saved = await api<{ conditions: unknown; actions: unknown }>(`/api/rules/${made.id}`);
  assert.deepEqual(saved.conditions, {
    all: [
      { field: "assignee", op: "is", value: ben.id },
      { field: "priority", op: "one_of", value: ["urgent", "high"] },
      { field: "channel", op: "is", value: "email" },
    ],
  });
  assert.deepEqual(saved.actions, [{ do: "notify", agent_id: ben.id }]);
  await api(`/api/rules/${made.id}`, { method: "DELETE" });
  assert.deepEqual(faults, []);
  await close();
});
