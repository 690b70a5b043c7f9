// What the screens of questions show: a conversation of whoever holds the key, and models' use of three weeks, which no
// cluster of the tests has by itself, because none of them asks a model.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { done, post } from "./api.ts";

const run = promisify(execFile);
const servers = new globalThis.URL("../../deploy/local/servers", import.meta.url).pathname;

type Asked = { job_id: string; conversation_id: string };

/** A conversation with an answer of each sort; its id. */
export async function conversation(): Promise<string> {
  let id: string | undefined;
  for (const question of ["How large are our segments?", "unicorns", "Which customers are most likely to leave?"]) {
    const asked: Asked = await post("/api/ask", { question, conversation_id: id ?? null });
    await done(asked.job_id);
    id = asked.conversation_id;
  }
  return id ?? "";
}

/** Lines of use as the worker writes them: three weeks, four features, one day without any. Again it changes nothing. */
export async function used() {
  const dir = process.env.DESK_UI_DIR;
  if (!dir) throw new Error("DESK_UI_DIR names the folder of the cluster");
  const { stdout } = await run(servers, ["env", `${dir}/servers`]);
  const address = /DATABASE_URL=(\S+)/.exec(stdout)?.[1];
  if (!address) throw new Error("the servers do not say where the database is");
  await run("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", address, "-c", LINES]);
}

const LINES = `
  insert into questions_app.ai_usage
    (tenant_id, day, feature, model, calls, cache_hits, input_tokens, output_tokens, cache_read_tokens,
     cache_write_tokens, cost_micros)
  select tenant.id, (now() at time zone 'UTC')::date - back, feature.name, 'claude-sonnet-5', feature.calls + back % 5,
         (feature.calls + back % 5) * 2 / 3, 900 * feature.calls, 210 * feature.calls, 5200 * feature.calls,
         310 * feature.calls, feature.micros * (feature.calls + back % 5)
  from shared.tenant tenant
  cross join generate_series(0, 20) back
  cross join (values ('answer_question', 9, 14000), ('draft_reply', 24, 6100), ('analyze_message', 60, 900),
                     ('recommend_actions', 4, 5200)) feature (name, calls, micros)
  where tenant.slug = '${process.env.DESK_SHOP ?? "ui"}' and back <> 6
  on conflict do nothing`;
