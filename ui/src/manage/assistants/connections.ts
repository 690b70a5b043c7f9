// Which keys can connect an assistant, and what is known of their use.

import type { AuditLine } from "../../api/shapes.ts";
import type { ApiKey } from "../keys/calls.ts";

/** Without this a client may connect and is refused every tool. */
export const NEEDED = "intelligence:read";

export function mayConnect(key: ApiKey): boolean {
  return key.scopes.includes(NEEDED) || key.scopes.includes("operator");
}

export type Lookups = { count: number; last: string };

/** Look-ups of customers over the protocol, by the id of the key. */
export function lookupsByKey(lines: AuditLine[]): Map<string, Lookups> {
  const found = new Map<string, Lookups>();
  for (const line of lines) {
    const { route } = (typeof line.detail === "object" && line.detail !== null ? line.detail : {}) as {
      route?: unknown;
    };
    const [kind, id] = line.actor.split(":");
    if (route !== "/mcp" || kind !== "key" || !id) continue;
    const known = found.get(id);
    found.set(id, {
      count: (known?.count ?? 0) + 1,
      last: known && known.last > line.at ? known.last : line.at,
    });
  }
  return found;
}
