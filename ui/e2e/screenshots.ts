// Writes a picture of every screen, light and dark.
//
// usage: node e2e/screenshots.ts FOLDER [SCREEN]    with DESK_URL and DESK_API_KEY in the environment

import { mkdir } from "node:fs/promises";
import { launch, open, type Scheme, settle } from "./browser.ts";
import { ANN } from "./people.ts";
import { screens } from "./screens.ts";

const all = await screens();
const [folder = "../docs/screenshots", only] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const browser = await launch();
// Somebody is at the desk while the pictures are taken.
const desk = await open(browser, ANN);
await desk.page.goto("/desk");
await settle(desk.page);
for (const scheme of ["light", "dark"] as Scheme[]) {
  const opened = {
    operator: await open(browser, "operator", { scheme }),
    nobody: await open(browser, "nobody", { scheme }),
  };
  for (const { name, path, who } of all) {
    if (only && name !== only) continue;
    const { page } = opened[who];
    await page.goto(path);
    await settle(page);
    // Where the screen follows the stream: not before it does.
    await page.getByText("Catching up", { exact: true }).waitFor({ state: "hidden" });
    await page.screenshot({ path: `${folder}/${name}-${scheme}.png` });
  }
  await opened.operator.close();
  await opened.nobody.close();
}
await browser.close();
