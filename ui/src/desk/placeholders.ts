// Variables of macros that stand in a text without their value, `{{order.number}}`: no customer should get one.

/** What the api's variables begin with (`VARIABLES` of the macros); the shop's own fields are `custom.KEY`. */
const VARIABLE = /^(customer|ticket|agent|shop|order|custom)\.[a-z0-9_]{1,64}$/;

/** The variables that stand in the text, each once. Other braces are the shop's own. */
export function placeholders(text: string): string[] {
  const written = [...text.matchAll(/\{\{([^{}]*)\}\}/g)].map(([, inside = ""]) => (inside.split("|")[0] ?? "").trim());
  return [...new Set(written.filter((name) => VARIABLE.test(name)))];
}

/** As they are written. */
export function inBraces(names: string[]): string {
  return names.map((name) => `{{${name}}}`).join(", ");
}
