// Sizes of the build and times of the pages, one `figure: NAME VALUE UNIT` a line; status 1 when a budget is broken.

import { readdir, readFile, stat } from "node:fs/promises";
import { launch, open, settle } from "./browser.ts";

const FIRST_KB = 260;
const ROUTE_KB = 60;
const BUILDER_KB = 100;
const LCP_MS = 1_000;
const CLS = 0.02;

const assets = new globalThis.URL("../dist/assets/", import.meta.url);
let isBroken = false;

await sizes();
await times();
process.exit(isBroken ? 1 : 0);

/** What the page names itself is the first load; the rest is loaded with a screen. */
async function sizes() {
  const page = await readFile(new globalThis.URL("../dist/index.html", import.meta.url), "utf8");
  const names = await readdir(assets);
  let first = 0;
  for (const name of names.filter((each) => /\.(js|css)$/.test(each) && page.includes(each)))
    first += await packed(name);
  figure("ui_first_load", first / 1000, "kB brotli", FIRST_KB);
  let largest = 0;
  for (const name of names.filter((each) => /\.(js|css)$/.test(each) && !page.includes(each))) {
    const size = (await packed(name)) / 1000;
    if (name.startsWith("Builder"))
      figure(`ui_rule_builder_${name.endsWith("css") ? "styles" : "script"}`, size, "kB brotli", BUILDER_KB);
    else largest = Math.max(largest, size);
  }
  figure("ui_largest_part_of_a_route", largest, "kB brotli", ROUTE_KB);
}

async function packed(name: string): Promise<number> {
  return (await stat(new globalThis.URL(`${name}.br`, assets))).size;
}

async function times() {
  const browser = await launch();
  for (const [name, path] of [
    ["queues", "/operate/queues"],
    ["dead_letters", "/operate/dead"],
    ["overview", "/manage"],
    ["customers", "/manage/customers"],
  ] as const) {
    const seen: { lcp: number; cls: number }[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const { page, close } = await open(browser, "operator");
      await page.addInitScript(() => {
        const known = { lcp: 0, cls: 0 };
        Object.assign(window, { known });
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) known.lcp = entry.startTime;
        }).observe({ type: "largest-contentful-paint", buffered: true });
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) known.cls += (entry as unknown as { value: number }).value;
        }).observe({ type: "layout-shift", buffered: true });
      });
      await page.goto(path);
      await settle(page);
      await page.waitForTimeout(500);
      seen.push(await page.evaluate(() => (window as unknown as { known: { lcp: number; cls: number } }).known));
      await close();
    }
    const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
    figure(`ui_lcp_${name}`, middle(seen.map(({ lcp }) => lcp)), "ms", LCP_MS);
    figure(`ui_cls_${name}`, middle(seen.map(({ cls }) => cls)), "", CLS);
  }
  await browser.close();
}

function figure(name: string, value: number, unit: string, bound: number) {
  console.log(`figure: ${name} ${unit === "" ? value.toFixed(4) : value.toFixed(0)} ${unit} (at most ${bound})`);
  if (value > bound) isBroken = true;
}
