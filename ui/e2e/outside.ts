// What the screens of other systems show: endpoints that work, are paused and were given up, deliveries of each kind, a
// Slack workspace with rules and what it was told. Run again it adds nothing twice.

import { api, KEY, post, URL } from "./api.ts";
import { receiver } from "./receiver.ts";
import { slack } from "./slack.ts";

type Listed<T> = { items: T[] };
type Endpoint = { id: string; description: string };
type Delivery = { id: string; type: string; state: string };

const WAREHOUSE = "The warehouse: parcels of urgent tickets are held back";
const REPORTS = "Figures of the evening";
const FORMER = "The shop system of before";

export async function outside(): Promise<{ endpoint: string; delivered: string; failed: string }> {
  const list = () => api<Listed<Endpoint>>("/api/outbound/endpoints");
  if (!(await list()).items.some((one) => one.description === FORMER)) await endpoints();
  const { items } = await list();
  const idOf = (description: string) => items.find((one) => one.description === description)?.id ?? "";
  const deliveryOf = async (endpoint: string, type: string) =>
    (await deliveries(endpoint)).find((delivery) => delivery.type === type)?.id ?? "";
  await channels();
  const endpoint = idOf(WAREHOUSE);
  return {
    endpoint,
    delivered: await deliveryOf(endpoint, "ticket.urgent"),
    failed: await deliveryOf(idOf(REPORTS), "webhook.test"),
  };
}

async function endpoints() {
  const there = await receiver();
  there.says("/evening", { status: 500, body: '{"error":"the report is being rebuilt"}' });
  there.says("/former", { status: 410, body: "" });
  const make = (path: string, description: string, events: string[]) =>
    post<Endpoint>("/api/outbound/endpoints", { url: there.url(path), description, events });
  const warehouse = await make("/warehouse", WAREHOUSE, ["ticket.created", "ticket.urgent", "sla.*"]);
  const made = await post<{ id: string }>("/api/tickets", {
    subject: "The parcel goes to the wrong house",
    channel: "email",
    priority: "urgent",
    customer: { email: "mira@example.com", name: "Mira Okafor" },
    message: { from: "customer", text: "Please stop it, I have moved." },
  });
  await post(`/api/outbound/endpoints/${warehouse.id}/test`, {});
  await over(warehouse.id, 3);
  await api(`/api/tickets/${made.id}?archive=true`, { method: "DELETE" });
  // From now on nobody is there: it listens to what the tests do not do.
  await post(`/api/outbound/endpoints/${warehouse.id}`, { events: ["import.finished", "segment.*"] }, "PATCH");
  const reports = await make("/evening", REPORTS, ["customer.*", "import.finished"]);
  await post(`/api/outbound/endpoints/${reports.id}/test`, {});
  await over(reports.id, 1);
  await post(`/api/outbound/endpoints/${reports.id}/pause`, {});
  const former = await make("/former", FORMER, ["*"]);
  await post(`/api/outbound/endpoints/${former.id}/test`, {});
  await over(former.id, 1);
  await post(`/api/outbound/endpoints/${former.id}/disable`, {});
  there.close();
}

async function deliveries(endpoint: string): Promise<Delivery[]> {
  return (await api<Listed<Delivery>>(`/api/outbound/deliveries?endpoint=${endpoint}`)).items;
}

/** Answers when so many deliveries are over. */
async function over(endpoint: string, wanted: number) {
  for (;;) {
    const known = await deliveries(endpoint);
    if (known.filter((delivery) => delivery.state !== "waiting").length >= wanted) return;
  }
}

async function channels() {
  const known = await api<Listed<{ id: string }>>("/api/slack/workspaces");
  if (known.items.length > 0) return;
  const there = await slack();
  const workspace = await connect();
  const make = (channel: string, more: object) =>
    post<{ id: string }>("/api/slack/rules", { workspace_id: workspace, channel, ...more });
  const urgent = await make("C024BE91L", {
    events: ["sla.breached", "ticket.urgent"],
    quiet_hours: ["22:00", "07:00"],
    timezone: "America/New_York",
  });
  const evening = await make("C09FIGURES", { events: ["customer.*", "import.finished"], digest_minutes: 240 });
  await post(`/api/slack/rules/${evening.id}`, { is_on: false }, "PATCH");
  await post(`/api/slack/rules/${urgent.id}/test`, {});
  await there.next("chat.postMessage");
  for (let sent: string | undefined; sent !== "sent"; ) {
    sent = (await api<Listed<{ state: string }>>("/api/slack/alerts?limit=1")).items[0]?.state;
  }
  // Nobody is there from now on; what happens is told to no channel.
  await post(`/api/slack/rules/${urgent.id}`, { is_on: false }, "PATCH");
  await there.close();
}

/** As a browser does: the cookie comes back with the state. Answers the workspace. */
async function connect(): Promise<string> {
  const begun = await fetch(`${URL}/api/slack/install`, { method: "POST", headers: { "X-API-Key": KEY } });
  if (!begun.ok) throw new Error(`the installation: ${begun.status} ${await begun.text()}`);
  const { url } = (await begun.json()) as { url: string };
  const state = new globalThis.URL(url).searchParams.get("state") ?? "";
  const cookie = begun.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const back = await fetch(`${URL}/api/slack/callback?code=good&state=${state}`, { headers: { Cookie: cookie } });
  if (!back.ok) throw new Error(`the return: ${back.status} ${await back.text()}`);
  const { items } = await api<Listed<{ id: string }>>("/api/slack/workspaces");
  return items[0]?.id ?? "";
}
