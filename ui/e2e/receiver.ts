// Another system that is told of events: it keeps what came and answers as it is told to.

import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export type Came = { path: string; headers: IncomingHttpHeaders; body: string; event: { type: string; data: unknown } };
type Says = { status: number; body?: string };
type Wanted = { path: string; type: string; of: string | undefined };
export type Receiver = {
  url: (path: string) => string;
  /** What a path answers from now on; 200 where nothing was said. */
  says: (path: string, answer: Says) => void;
  /**
   * The next request that fits and was not taken before; one that is still to come is waited for, but not for ever. `of` is
   * the ticket that it has to tell of, where others may be told of as well.
   */
  next: (path: string, type: string, of?: string) => Promise<Came>;
  close: () => void;
};

/** Longest wait for a request, in milliseconds: shorter than a test may take, so that it says what did not come. */
const PATIENCE_MS = 60_000;

export async function receiver(): Promise<Receiver> {
  const answers = new Map<string, Says>();
  const kept: Came[] = [];
  const waiting: (Wanted & { take: (came: Came) => void })[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const path = request.url ?? "";
      const body = Buffer.concat(parts).toString();
      const { status, body: said = '{"ok":true}' } = answers.get(path) ?? { status: 200 };
      response.writeHead(status, { "Content-Type": "application/json" }).end(said);
      const came = { path, headers: request.headers, body, event: JSON.parse(body) };
      const at = waiting.findIndex((one) => fits(came, one));
      if (at < 0) kept.push(came);
      else waiting.splice(at, 1)[0]?.take(came);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    says: (path, answer) => answers.set(path, answer),
    next: (path, type, of) => {
      const at = kept.findIndex((one) => fits(one, { path, type, of }));
      const [found] = at < 0 ? [] : kept.splice(at, 1);
      if (found) return Promise.resolve(found);
      return new Promise((take, fail) => {
        const one = { path, type, of, take: (came: Came) => take(came) };
        const timer = setTimeout(() => {
          const place = waiting.indexOf(one);
          if (place >= 0) waiting.splice(place, 1);
          const others = kept.map((came) => `${came.event.type} at ${came.path}`).join(", ") || "nothing";
          fail(new Error(`no ${type} came to ${path} in ${PATIENCE_MS / 1000} s; ${others} was not asked for`));
        }, PATIENCE_MS);
        one.take = (came) => {
          clearTimeout(timer);
          take(came);
        };
        waiting.push(one);
      });
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function fits({ path, event }: Came, wanted: Wanted): boolean {
  if (path !== wanted.path || event.type !== wanted.type) return false;
  return wanted.of === undefined || (event.data as { ticket_id?: string }).ticket_id === wanted.of;
}

/** Whether one of its signatures was made with the secret, as Standard Webhooks says. */
export function isSignedWith(secret: string, { headers, body }: Came): boolean {
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const ours = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  return String(headers["webhook-signature"]).split(" ").includes(ours);
}
