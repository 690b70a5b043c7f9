// The rows of the queue, which stay as they are until the person asks for what has changed.

import type { Locator, Page } from "playwright-core";

/** Answers when a row is there. What has come is shown on demand, and may be of others first. By a key, so no field has the focus. */
export async function shown(page: Page, row: Locator) {
  const more = page.getByRole("button", { name: /changed: show/ });
  for (;;) {
    await more.or(row).first().waitFor();
    if (await row.isVisible()) return;
    await page.keyboard.press(".");
  }
}
