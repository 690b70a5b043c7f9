// A Slack of one workspace, at the address that the cluster of the tests knows: it exchanges a code, takes messages, and
// hears of a token that is given up.

import { createServer } from "node:http";

export type Said = { method: string; call: Record<string, unknown> };
export type Slack = {
  /** The next call of a method that was not taken before; one that is still to come is waited for. */
  next: (method: string) => Promise<Said>;
  close: () => Promise<void>;
};

/** Where the api and the worker look for Slack. */
const [HOST = "127.0.0.1", PORT = "8090"] = (process.env.DESK_SLACK_STUB ?? "127.0.0.1:8090").split(":");

export async function slack(): Promise<Slack> {
  const kept: Said[] = [];
  const waiting: { method: string; take: (said: Said) => void }[] = [];
  let messages = 0;
  const answer = (method: string): unknown => {
    if (method === "oauth.v2.access") {
      return {
        ok: true,
        access_token: "xoxb-of-the-tests",
        scope: "chat:write,commands",
        bot_user_id: "U0BOT",
        app_id: "A1",
        team: { id: "T024BE91L", name: "Records & Co" },
      };
    }
    if (method === "conversations.history") return { ok: true, messages: [] };
    messages += 1;
    return { ok: true, ts: `${1_700_000_000 + messages}.000100` };
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const method = request.url?.split("/").pop() ?? "";
      const text = Buffer.concat(parts).toString();
      const isJson = request.headers["content-type"]?.includes("json");
      const call = isJson ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer(method)));
      const said = { method, call };
      const at = waiting.findIndex((one) => one.method === method);
      if (at < 0) kept.push(said);
      else waiting.splice(at, 1)[0]?.take(said);
    });
  });
  await new Promise<void>((listening, failed) => server.once("error", failed).listen(Number(PORT), HOST, listening));
  return {
    next: (method) => {
      const at = kept.findIndex((one) => one.method === method);
      const [found] = at < 0 ? [] : kept.splice(at, 1);
      if (found) return Promise.resolve(found);
      return new Promise((take) => waiting.push({ method, take }));
    },
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}
