// Every screen, light and dark, wide and at 320 px: nothing that axe finds, nothing in the console, no breach of the policy.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import test, { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launch, open, type Scheme, settle, URL } from "./browser.ts";
import { screens } from "./screens.ts";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

for (const scheme of ["light", "dark"] as Scheme[]) {
  for (const width of [1360, 320]) {
    test(`every screen, ${scheme}, ${width} px`, async (outer) => {
      const { page, faults, close } = await open(browser, scheme, width);
      for (const { name, path } of await screens()) {
        await outer.test(name, async () => {
          faults.length = 0;
          await page.goto(URL + path);
          await settle(page);
          assert.deepEqual(await findings(page), [], "axe");
          assert.deepEqual(faults, [], "console");
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          assert.ok(overflow <= 0, `${overflow} px wider than the window`);
        });
      }
      await close();
    });
  }
}

export async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async (rules) => {
    type Found = { violations: { id: string; nodes: { html: string }[] }[] };
    const { axe } = window as unknown as { axe: { run(of: Document, how: unknown): Promise<Found> } };
    const { violations } = await axe.run(document, { runOnly: rules });
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map((node) => node.html.slice(0, 160))
          .join(" | ")}`,
    );
  }, RULES);
}
