// Fills a cluster with what the screens show: eighteen months of a real shop's purchases, the night's run over them,
// segments, deliveries of a help desk, jobs that run, wait and failed. Run again it adds nothing twice.
//
// usage: node e2e/seed.ts URL    with DESK_API_KEY in the environment

import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";

const [url = "http://127.0.0.1:8080"] = process.argv.slice(2);
const key = process.env.DESK_API_KEY ?? "";
/** The secret of the tenant's help desk; without it no delivery is sent. */
const webhookToken = process.env.DESK_WEBHOOK_TOKEN ?? "";

const NAMES = [
  "Amara Diallo",
  "Jonas Weber",
  "Priya Nair",
  "Luca Moretti",
  "Hana Sato",
  "Owen Clarke",
  "Sofia Almeida",
  "Mateusz Kowal",
  "Grace Otieno",
  "Elif Demir",
  "Noah Fischer",
  "Chloé Martin",
];

const LETTERS = [
  ["A record arrived scratched", "Side two jumps at the third song. Can I have another one?"],
  ["Where is my parcel?", "I ordered two weeks ago and still wait. Can you look into it?"],
  ["Wrong size of sleeve", "The outer sleeves are for singles, I ordered those for albums."],
  ["Is the mono pressing back soon?", "You said in spring; I would take two."],
  ["Refund not here yet", "I sent the record back on Monday a week ago."],
  ["Change my address, please", "I have moved. The new one is in my account already."],
] as const;

await seed();

async function seed() {
  const known = await get("/api/intelligence/runs?limit=1");
  if (known.items.length === 0) {
    const imported = await send("POST", "/api/orders/import?currency=USD", await purchases(), undefined, "text/csv");
    await ended(imported.job_id);
  }
  // An import is followed by a run, which is enqueued with its end, and by the training of the first models.
  for (const kind of ["resegment_tenant", "train_churn", "train_ltv"]) {
    const jobs = await get(`/api/jobs?kind=${kind}&limit=1&fields=id`);
    for (const job of jobs.items) await ended(job.id);
  }
  await addSegments();
  await addDeliveries();
  await addJobs();
  await get("/api/analytics/forecasts/revenue");
}

/** The purchases end in June 1998; seen from today everybody would have left. All are moved by the same whole weeks. */
async function purchases() {
  const file = gunzipSync(await readFile(new URL("../../data/cdnow.csv.gz", import.meta.url))).toString();
  const [head = "", ...lines] = file.trim().split("\n");
  const place = head.split(",").indexOf("order_date");
  const week = 7 * 86_400_000;
  const weeks = Math.floor((Date.now() - Date.parse("1998-07-02")) / week);
  const moved = lines.map((line) => {
    const cells = line.split(",");
    cells[place] = new Date(Date.parse(cells[place] ?? "") + weeks * week).toISOString().slice(0, 10);
    return cells.join(",");
  });
  return new TextEncoder().encode([head, ...moved].join("\n"));
}

async function addSegments() {
  const segments = [
    {
      name: "Likely to leave, worth keeping",
      description: "High risk and among the best spenders: a person should write to them.",
      rule: {
        all: [
          { field: "churn_risk", operator: "=", value: "high" },
          { field: "total_order_value", operator: ">=", value: 500 },
        ],
      },
    },
    {
      name: "Newcomers with one order",
      description: "Bought once; a second order within two months makes a regular customer.",
      rule: { all: [{ field: "order_count", operator: "=", value: 1 }] },
    },
    {
      name: "Regulars",
      description: "Ten orders or more.",
      rule: { all: [{ field: "order_count", operator: ">=", value: 10 }] },
    },
  ];
  const known = await get("/api/segments?limit=100");
  for (const segment of segments) {
    if (known.items.some((item: { name: string }) => item.name === segment.name)) continue;
    const saved = await send("POST", "/api/segments", segment);
    if (saved.evaluation_job_id) await ended(saved.evaluation_job_id);
  }
}

async function addDeliveries() {
  if (webhookToken === "") return;
  for (let number = 1; number <= 12; number += 1) {
    const [subject, text] = LETTERS[number % LETTERS.length] as (typeof LETTERS)[number];
    const ticket = {
      id: 4200 + number,
      status: "open",
      channel: number % 3 === 0 ? "chat" : "email",
      subject,
      customer: { id: number, email: `listener${number}@example.com`, name: NAMES[number - 1] },
      messages: [
        {
          id: 9000 + number,
          from_agent: false,
          body_text: text,
          created_datetime: new Date(Date.now() - number * 41 * 60_000).toISOString(),
          ...(number % 3 === 0 ? { sent_datetime: "last Tuesday" } : {}),
        },
      ],
    };
    await send("POST", "/api/gorgias/webhook", { id: `seed-${number}`, type: "ticket-message-created", ticket });
  }
}

async function addJobs() {
  const groups = await get("/api/admin/dead-letters/groups?kind=probe");
  if (groups.items.length === 0) {
    const causes = [
      { message: "the order has no customer", jobs: 140 },
      { message: "the label printer refused the address", jobs: 23 },
      { message: "the parcel service does not know this country", jobs: 4 },
    ];
    for (const cause of causes) {
      const jobs = Array.from({ length: cause.jobs }, (_, number) => ({
        kind: "probe",
        payload: { name: `parcel ${number + 1}`, fail_for_good: cause.message },
      }));
      await send("POST", "/api/jobs/batch", { jobs });
    }
    const retried = Array.from({ length: 6 }, (_, number) => ({
      kind: "probe",
      payload: { name: `invoice ${number + 1}`, fail_attempts: 2 },
    }));
    await send("POST", "/api/jobs/batch", { jobs: retried });
    await send("POST", "/api/jobs", {
      kind: "probe",
      payload: { name: "newsletter of December" },
      delay_ms: 3_600_000,
    });
  }
  const running = await get("/api/jobs?state=running&kind=probe");
  if (running.items.length === 0) {
    for (const name of ["count the stock", "compare the books of November"]) {
      await send("POST", "/api/jobs", { kind: "probe", payload: { name, sleep_ms: 110_000 } });
    }
  }
}

/** The API answers when the job has ended, or after 20 s. */
async function ended(id: string) {
  const end = Date.now() + 180_000;
  for (;;) {
    const job = await get(`/api/jobs/${id}?wait=20`);
    if (job.state === "done") return;
    if (["dead", "cancelled"].includes(job.state))
      throw new Error(`job ${id} is ${job.state}: ${JSON.stringify(job.error)}`);
    if (Date.now() > end) throw new Error(`three minutes were not enough for job ${id}`);
  }
}

async function get(path: string) {
  const response = await fetch(url + path, { headers: { "X-API-Key": key } });
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function send(method: string, path: string, body: unknown, idempotency?: string, type = "application/json") {
  const headers: Record<string, string> = { "X-API-Key": key, "Content-Type": type };
  if (idempotency) headers["Idempotency-Key"] = idempotency;
  if (path === "/api/gorgias/webhook") headers["X-Webhook-Token"] = webhookToken;
  const text = type === "application/json" ? JSON.stringify(body) : new Uint8Array(body as Uint8Array);
  const response = await fetch(url + path, { method, headers, body: text });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}
