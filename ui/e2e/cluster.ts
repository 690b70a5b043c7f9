// The cluster that the tests run against: its api can be killed and started again.

import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

const script = new globalThis.URL("../../deploy/local/cluster", import.meta.url).pathname;

/** `kill -9`, and the same again; answers when the new one is ready. */
export async function restartApi() {
  const dir = process.env.DESK_UI_DIR;
  if (!dir) throw new Error("DESK_UI_DIR names the folder of the cluster");
  const [pid] = (await readFile(`${dir}/run/api`, "utf8")).split(" ");
  process.kill(Number(pid), "SIGKILL");
  await gone(Number(pid));
  await promisify(execFile)(script, ["up", dir]);
}

/** The kernel has taken its port back: `up` refuses while somebody answers there. A killed program counts as a zombie from
 * the end of its first thread on, and the last one gives the port back. */
async function gone(pid: number) {
  for (;;) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
    if (stat === "" || (/ Z /.test(stat) && threads.length <= 1)) return;
    await new Promise(setImmediate);
  }
}
