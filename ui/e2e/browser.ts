// A real browser at the real api: pages in light or dark, with everything noted that must not happen.

import { type Browser, chromium, type Page } from "playwright-core";

export const URL = process.env.DESK_URL ?? "http://127.0.0.1:8080";
export const KEY = process.env.DESK_API_KEY ?? "";

export type Scheme = "light" | "dark";
export type Opened = { page: Page; faults: string[]; close: () => Promise<void> };

export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export async function open(browser: Browser, scheme: Scheme = "light", width = 1360, height = 860): Promise<Opened> {
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    reducedMotion: "reduce",
    extraHTTPHeaders: KEY ? { "X-API-Key": KEY } : {},
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // An API key is nobody and has no session; that the app asks is no fault.
    if (message.location().url.endsWith("/api/auth/session")) return;
    if (message.type() === "error") faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  return { page, faults, close: () => context.close() };
}

/** Waits until nothing on the screen is still loading. */
export async function settle(page: Page) {
  await page.locator("h1").first().waitFor();
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
  await page.waitForTimeout(200);
}

export async function api<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(URL + path, {
    ...init,
    headers: { "X-API-Key": KEY, "Content-Type": "application/json", ...init.headers },
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
