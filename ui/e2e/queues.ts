// Queues that stand still while a test needs that what waits in them goes on waiting.

import { api, post } from "./api.ts";

type Worker = { id: string; state: string; beat_at: string };

/** No job of the queue begins while the work is done; what is due by then begins afterwards. */
export async function held<T>(queue: string, work: () => Promise<T>): Promise<T> {
  await post(`/api/admin/queues/${queue}/pause`, { reason: "a test holds its jobs back" });
  try {
    // Workers learn of it with a beat. One may have begun before, the next one knows, and with the third that is done.
    for (let beats = 0; beats < 3; beats += 1) await beaten();
    return await work();
  } finally {
    await post(`/api/admin/queues/${queue}/resume`, { reason: "the test is over" });
  }
}

/** Answers when every worker that is there has beaten once more. */
async function beaten() {
  const before = await workers();
  const isOlder = (worker: Worker) => before.some(({ id, beat_at }) => id === worker.id && beat_at === worker.beat_at);
  while ((await workers()).some(isOlder));
}

async function workers(): Promise<Worker[]> {
  const { items } = await api<{ items: Worker[] }>("/api/admin/workers?limit=100");
  return items.filter(({ state }) => state === "active");
}
