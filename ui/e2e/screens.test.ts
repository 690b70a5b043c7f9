// Every screen, light and dark, wide and at 320 px: nothing that axe finds, nothing in the console, no breach of the policy.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser } from "playwright-core";
import { findings } from "./axe.ts";
import { launch, open, type Scheme, settle, URL } from "./browser.ts";
import { screens } from "./screens.ts";

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
