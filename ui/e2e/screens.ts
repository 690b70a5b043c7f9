// Every screen with an address that shows something, from what seed.ts and desk.ts made. What has no line here and needs
// no id is shown as it is; a path with an id that nobody shows is a fault, so that a new screen is not forgotten.

import { DOORS, PATHS } from "../src/paths.ts";
import { api, URL } from "./api.ts";
import { automation } from "./automation.ts";
import { desk } from "./desk.ts";
import { outside } from "./outside.ts";
import { conversation, used } from "./questions.ts";
import { service } from "./service.ts";
import { shops } from "./shops.ts";

type Page<T> = { items: T[] };
type Named = { id: string };

export type Screen = { name: string; path: string; who: "operator" | "nobody" };

export async function screens(): Promise<Screen[]> {
  const first = async (path: string) => (await api<Page<Named>>(path)).items[0]?.id;
  // One cause of the seed's; what other tests let die is no sight for a picture.
  const groups = await api<Page<{ sample_message: string | null; sample_job_id: string }>>(
    "/api/admin/dead-letters/groups?limit=100",
  );
  const dead = groups.items.find((group) => group.sample_message === "the order has no customer")?.sample_job_id;
  const [segment, model, delivery] = await Promise.all([
    first("/api/segments?limit=1"),
    first("/api/intelligence/models?target=churn&limit=1"),
    first("/api/webhooks/deliveries?limit=1"),
  ]);
  const imported = await first("/api/jobs?kind=import_orders&limit=1");
  const tickets = await desk();
  const { policy, calendar, agent } = await service();
  await shops();
  const others = await outside();
  await used();
  const asked = await conversation();
  const { rule, macro, article } = await automation();
  const all: [string, string | undefined][] = [
    ["tickets", "/desk"],
    ["ticket", `/desk?ticket=${tickets.known}`],
    ["ticket-stranger", `/desk?ticket=${tickets.first}`],
    ["ticket-customer", `/desk?ticket=${tickets.known}&pane=customer`],
    ["live-desk", "/manage/live"],
    ["promises", "/manage/sla"],
    ["promises-tickets", "/manage/sla/clocks?list=at-risk"],
    ["satisfaction", "/manage/satisfaction"],
    ["people", "/manage/agents"],
    ["person", `/manage/agents/${agent}`],
    ["policies", "/manage/policies"],
    ["policy", `/manage/policies/${policy}`],
    ["calendars", "/manage/calendars"],
    ["calendar", `/manage/calendars/${calendar}`],
    ["settings", "/manage/settings"],
    ["keys", "/manage/keys"],
    ["trail", "/manage/trail"],
    ["webhooks", "/manage/webhooks"],
    ["endpoint", `/manage/webhooks/${others.endpoint}`],
    ["webhook-deliveries", "/manage/webhooks/deliveries"],
    ["webhook-delivery", `/manage/webhooks/deliveries/${others.delivered}`],
    ["webhook-delivery-failed", `/manage/webhooks/deliveries/${others.failed}`],
    ["events", "/manage/events"],
    ["slack", "/manage/slack"],
    ["shopify", "/manage/shopify"],
    ["sources", "/manage/sources"],
    ["source", "/manage/sources/warehouse"],
    ["new-source", "/manage/sources/new"],
    ["help-desk", "/manage/help-desk"],
    ["overview", "/manage"],
    ["customers", "/manage/customers"],
    ["customer", "/manage/customers/22061"],
    ["segments", "/manage/segments"],
    ["segment", segment && `/manage/segments/${segment}`],
    ["new-segment", "/manage/segments/new"],
    ["archetypes", "/manage/archetypes"],
    ["forecasts", "/manage/forecasts"],
    ["ask", "/manage/ask"],
    ["ask-answers", `/manage/ask?conversation=${asked}`],
    ["assistants", "/manage/assistants"],
    ["usage", "/manage/usage"],
    ["imports", "/manage/imports"],
    ["import", imported && `/manage/imports/${imported}`],
    ["models", "/manage/models"],
    ["model", model && `/manage/models/${model}`],
    ["drift", "/manage/drift"],
    ["queues", "/operate/queues"],
    ["jobs", "/operate/jobs?tenant_id=all"],
    ["job", dead && `/operate/jobs/${dead}`],
    ["dead-letters", "/operate/dead"],
    ["schedules", "/operate/schedules"],
    ["workers", "/operate/workers"],
    ["deliveries", "/operate/deliveries"],
    ["delivery", delivery && `/operate/deliveries/${delivery}`],
    ["audit", "/operate/audit"],
    ["nowhere", "/no/such/page"],
  ];
  // Pages of parts that this api may not have yet: each with a path that it asks for.
  const { paths } = (await (await fetch(`${URL}/openapi.json`)).json()) as { paths: Record<string, unknown> };
  const parts: [string, string, string][] = [
    ["rules", "/manage/rules", "/api/rules"],
    ["rule", `/manage/rules/${rule}`, "/api/rules"],
    ["new-rule", "/manage/rules/new", "/api/rules"],
    ["macros", "/manage/macros", "/api/macros"],
    ["macro", `/manage/macros/${macro}`, "/api/macros"],
    ["new-macro", "/manage/macros/new", "/api/macros"],
    ["articles", "/manage/articles", "/api/articles"],
    ["article", `/manage/articles/${article}`, "/api/articles"],
    ["new-article", "/manage/articles/new", "/api/articles"],
    ["mailboxes", "/manage/mailboxes", "/api/mailboxes"],
    ["mail", "/manage/mail", "/api/mail/inbound"],
    ["privacy", "/manage/privacy", "/api/privacy/requests"],
  ];
  for (const [name, path, asks] of parts) all.push([name, asks in paths ? path : undefined]);
  const doors: [string, string][] = [
    ["sign-in", "/sign-in"],
    ["sign-in-operator", "/sign-in?as=operator"],
    ["invitation", "/invitation#dsl_shown-only"],
  ];
  const shown = all.flatMap(([name, path]) => (path ? [{ name, path, who: "operator" as const }] : []));
  const open = doors.map(([name, path]) => ({ name, path, who: "nobody" as const }));
  return [
    ...shown,
    ...missing(PATHS, shown).map((path) => ({ name: nameOf(path), path, who: "operator" as const })),
    ...open,
    ...missing(DOORS, open).map((path) => ({ name: nameOf(path), path, who: "nobody" as const })),
  ];
}

/** The paths that no line shows. */
export function missing(paths: readonly string[], shown: { path: string }[]): string[] {
  const bare = shown.map(({ path }) => path.replace(/[?#].*/, ""));
  const isShown = (path: string) => {
    const pattern = new RegExp(`^${path.replaceAll(/\$[a-z]+/g, "[^/]+")}$`);
    // `/segments/new` is a screen of its own and no example of `/segments/$id`.
    return bare.some((one) => one === path || (pattern.test(one) && !paths.includes(one)));
  };
  const left = paths.filter((path) => !isShown(path));
  const needing = left.filter((path) => path.includes("$"));
  if (needing.length > 0) throw new Error(`e2e/screens.ts has no example of ${needing.join(", ")}`);
  return left;
}

const nameOf = (path: string) => path.split("/").slice(2).join("-") || path.slice(1);
