// A real browser at the page that the api serves: somebody signed in, light or dark, with everything noted that must not
// happen.

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { cookiesOf, KEY, URL } from "./api.ts";
import { PASSWORD, type Person } from "./people.ts";

export type Scheme = "light" | "dark";
export type Who = Person | "operator" | "nobody";
export type How = { scheme?: Scheme; width?: number; height?: number; url?: string };
export type Opened = { page: Page; context: BrowserContext; faults: string[]; close: () => Promise<void> };

const SHOP = process.env.DESK_SHOP ?? "ui";

/** Longest wait for anything on a page, in milliseconds: a machine that does other things as well takes its time. */
const PATIENCE_MS = 45_000;

/** A session is renewed by its browser when it is ten minutes old, and is that browser's alone from then on. */
const SESSION_MS = 5 * 60_000;

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

/** A browser of somebody's own: no other page shares its session. */
export async function open(browser: Browser, who: Who, how: How = {}): Promise<Opened> {
  const { scheme = "light", width = 1360, height = 860, url = URL } = how;
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    reducedMotion: "reduce",
    timezoneId: "Europe/Berlin",
    locale: "en-GB",
  });
  context.setDefaultTimeout(PATIENCE_MS);
  await context.addCookies(await sessionOf(who));
  if (who === "operator") await context.addInitScript(() => localStorage.setItem("deskwork.console", "yes"));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  const faults: string[] = [];
  const page = await context.newPage();
  watch(page, faults);
  // Addresses of a test begin with `/`.
  const go = page.goto.bind(page);
  page.goto = (path, options) => go(path.startsWith("/") ? url + path : path, options);
  return { page, context, faults, close: () => context.close() };
}

/** Notes what a page complains of. */
export function watch(page: Page, faults: string[]) {
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()} ${message.location().url}`);
  });
}

const sessions = new Map<string, { at: number; cookies: ReturnType<typeof signIn> }>();

/** The cookies that signing in sets: the same for each page of a person, until they are too old to be shared. */
function sessionOf(who: Who) {
  if (who === "nobody") return [];
  const name = who === "operator" ? who : who.email;
  const now = performance.now();
  let known = sessions.get(name);
  if (!known || now - known.at > SESSION_MS) {
    known = { at: now, cookies: signIn(who) };
    sessions.set(name, known);
  }
  return known.cookies;
}

async function signIn(who: Person | "operator") {
  const [path, body] =
    who === "operator"
      ? ["/api/auth/console", { key: KEY }]
      : ["/api/auth/login", { tenant: SHOP, email: who.email, password: PASSWORD, cookie: true }];
  const response = await fetch(URL + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: URL },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return cookiesOf(response);
}

/** Waits until nothing on the screen is still loading or on its way from one colour to another. */
export async function settle(page: Page) {
  await page.locator("h1").first().waitFor();
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
  // What has come is drawn.
  await page.evaluate(
    () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(undefined)))),
  );
  await page.waitForFunction(() =>
    document.getAnimations().every(({ effect, playState }) => {
      const isEndless = effect?.getComputedTiming().endTime === Number.POSITIVE_INFINITY;
      return isEndless || playState !== "running";
    }),
  );
}
