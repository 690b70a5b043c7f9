// Every screen, light and dark, wide and at 320 px: nothing that axe finds, nothing in the console, no breach of the policy.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import type { Browser } from "playwright-core";
import { findings } from "./axe.ts";
import { launch, type Opened, open, settle } from "./browser.ts";
import { missing, type Screen, screens } from "./screens.ts";

/** Pages at once: one draws while another is looked through. */
const PAGES = 2;

let browser: Browser;
let all: Screen[];
// What the screens show is made first; where other tests have not done so that takes its time as well.
before(
  async () => {
    browser = await launch();
    all = await screens();
  },
  { timeout: 600_000 },
);
after(() => browser.close());

test("a new path is shown by itself, and one with an id needs an example", () => {
  const shown = [{ path: "/a?b=c" }, { path: "/a/new" }];
  assert.deepEqual(missing(["/a", "/a/new", "/b"], shown), ["/b"]);
  assert.throws(() => missing(["/a", "/a/new", "/a/$id"], shown), /no example of \/a\/\$id/);
  assert.deepEqual(missing(["/a", "/a/$id"], [...shown, { path: "/a/1?x=y" }]), []);
});

// Forty screens and more, three times each: on a busy machine that takes minutes.
test("every screen, light, dark and narrow", { timeout: 1_800_000 }, async (outer) => {
  const waiting = [...all];
  const one = async () => {
    // One session for all of them; who is nobody, for the doors.
    const opened = { operator: await open(browser, "operator"), nobody: await open(browser, "nobody") };
    for (let screen = waiting.shift(); screen; screen = waiting.shift()) {
      const { name, path, who } = screen;
      await outer.test(name, () => look(opened[who], path));
    }
    await opened.operator.close();
    await opened.nobody.close();
  };
  await Promise.all(Array.from({ length: PAGES }, one));
});

async function look({ page, faults }: Opened, path: string) {
  faults.length = 0;
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1360, height: 860 });
  await page.goto(path);
  await settle(page);
  assert.deepEqual(await findings(page), [], "axe, light");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.locator("html[data-mantine-color-scheme=dark]").waitFor();
  await settle(page);
  assert.deepEqual(await findings(page), [], "axe, dark");
  await page.setViewportSize({ width: 320, height: 860 });
  await settle(page);
  assert.deepEqual(await findings(page), [], "axe, dark, 320 px");
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${overflow} px wider than the window`);
  assert.deepEqual(faults, [], "console");
}
