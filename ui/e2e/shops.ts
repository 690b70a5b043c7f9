// What the screens of a shop, of sources and of the help desk show: a shop that was read and told of a change, a source that
// was read and one that is not read any more, and a ticket of which no webhook told. Run again it adds nothing twice.

import { api, ended, KEY, post, URL } from "./api.ts";
import { type Away, away, SHOP, signed, told } from "./away.ts";

export type ShopView = { status: string; synced_at: string | null; webhooks_waiting: number; shop: string | null };
type Source = { name: string; problem: string | null; last_at: string | null };

const MAPPING = {
  columns: {
    number: "order_id",
    who: "customer_email",
    at: "ordered_at",
    what: "title",
    pieces: "quantity",
    total: "amount",
  },
};
const FILE = `number,who,at,what,pieces,total,note
W-1,olu@example.com,2026-10-01,Turntable mat,1,18.50,
W-2,ines@example.com,2026-10-02,Inner sleeves,2,24.00,gift
W-3,,2026-10-03,Brush,1,9.00,
`;

export async function shops() {
  const { items } = await api<{ items: Source[] }>("/api/orders/sources");
  const isConnected = (await shopView()).status === "connected";
  if (isConnected && items.length >= 2) return;
  const there = await away();
  if (!isConnected) await connected();
  if (items.length < 2) await sources(there);
  there.ticket({
    id: 880_001,
    subject: "Is the box set signed?",
    name: "Mira Okafor",
    email: "mira@example.com",
    tags: ["question", "box-set"],
    text: "The page says so, the picture does not.",
  });
  await compared();
  await there.close();
}

export const shopView = () => api<ShopView>("/api/integrations/shopify");

/** Connects the shop as a browser does, and answers when it is read and was told of a change. */
async function connected() {
  const headers = { "X-API-Key": KEY, "Content-Type": "application/json" };
  const body = JSON.stringify({ shop: SHOP });
  const begun = await fetch(`${URL}/api/integrations/shopify/install`, { method: "POST", headers, body });
  if (!begun.ok) throw new Error(`the install: ${begun.status} ${await begun.text()}`);
  const { authorize_url } = (await begun.json()) as { authorize_url: string };
  const state = new globalThis.URL(authorize_url).searchParams.get("state") ?? "";
  const cookie = begun.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const back = await fetch(`${URL}/api/integrations/shopify/callback?${signed(["code=good", `state=${state}`])}`, {
    headers: { Cookie: cookie },
    redirect: "manual",
  });
  if (back.status !== 303) throw new Error(`the return: ${back.status} ${await back.text()}`);
  await until(async () => (await shopView()).synced_at !== null);
  await told(9_003, 1_800);
  await until(async () => (await shopView()).webhooks_waiting === 0);
}

async function sources(there: Away) {
  const make = async (name: string) => {
    const place = { kind: "file", url: there.file(`${name}.csv`, FILE) };
    await post(`/api/orders/sources/${name}`, { place, mapping: "warehouse", draft: MAPPING, currency: "USD" }, "PUT");
  };
  await make("warehouse");
  await make("old-shop");
  await read("warehouse");
  there.file("old-shop.csv", null);
  await read("old-shop");
}

async function read(name: string) {
  const { job_id } = await post<{ job_id: string }>(`/api/orders/sources/${name}/sync`, {});
  await ended(job_id);
}

/** Has both sides of the help desk compared, and answers when the new ticket was made the same. */
async function compared() {
  const { job_id } = await post<{ job_id: string }>("/api/gorgias/sync", {});
  await ended(job_id);
  await until(async () => (await api<{ items: unknown[] }>("/api/gorgias/differences?limit=1")).items.length > 0);
}

async function until(holds: () => Promise<boolean>) {
  while (!(await holds()));
}
