// Which events somebody listens to, as patterns: kinds such as `ticket.created`, areas such as `ticket.*`, or `*`.
// A pattern holds what it covers, so that nothing is chosen twice.

export const EVERYTHING = "*";

export type Area = { pattern: string; name: string; kinds: string[] };

/** The areas that may be listened to, each with its kinds. */
export function areasOf(patterns: string[]): Area[] {
  return patterns
    .filter((pattern) => pattern.endsWith(".*"))
    .map((pattern) => {
      const beginning = pattern.slice(0, -1);
      const kinds = patterns.filter((other) => other !== pattern && other.startsWith(beginning));
      return { pattern, name: beginning.slice(0, -1), kinds };
    });
}

/** Whether a pattern covers a kind, an area, or everything. */
export function covers(pattern: string, other: string): boolean {
  if (pattern === EVERYTHING || pattern === other) return true;
  return pattern.endsWith(".*") && other.startsWith(pattern.slice(0, -1));
}

export function isPicked(picked: string[], pattern: string): boolean {
  return picked.some((each) => covers(each, pattern));
}

/** Whether something larger was chosen, so that this one cannot be taken out of it alone. */
export function isWithin(picked: string[], pattern: string): boolean {
  return picked.some((each) => each !== pattern && covers(each, pattern));
}

export function pick(picked: string[], pattern: string, isOn: boolean): string[] {
  const others = picked.filter((each) => !covers(pattern, each));
  return isOn ? [...others, pattern].sort() : others;
}
