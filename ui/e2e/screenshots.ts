// Writes a picture of every screen, light and dark.
//
// usage: node e2e/screenshots.ts FOLDER    with DESK_URL and DESK_API_KEY in the environment

import { mkdir } from "node:fs/promises";
import { launch, open, type Scheme, settle, URL } from "./browser.ts";
import { screens } from "./screens.ts";

const [folder = "../docs/screenshots", only] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const browser = await launch();
for (const scheme of ["light", "dark"] as Scheme[]) {
  const { page, close } = await open(browser, scheme);
  for (const { name, path } of await screens()) {
    if (only && name !== only) continue;
    await page.goto(URL + path);
    await settle(page);
    await page.waitForTimeout(600);
    await page.screenshot({ path: `${folder}/${name}-${scheme}.png` });
  }
  await close();
}
await browser.close();
