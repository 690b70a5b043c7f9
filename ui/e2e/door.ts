// A door between the browser and the api: it can be shut, which cuts every connection at once, and opened again.

import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { URL } from "./api.ts";

export type Door = {
  url: string;
  shut: () => void;
  open: () => void;
  close: () => Promise<void>;
  /** How often something was asked for that begins so. */
  asked: (beginning: string) => number;
};

export async function door(): Promise<Door> {
  const { hostname, port } = new globalThis.URL(URL);
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let isOpen = true;
  const server = createServer((near) => {
    if (!isOpen) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    near.on("data", (bytes) => {
      for (const [, path = ""] of bytes.toString("latin1").matchAll(/^(?:GET|POST) (\S+)/gm)) requests.push(path);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise<void>((listening) => server.listen(0, hostname, listening));
  // A test that failed before it closed the door does not keep the program.
  server.unref();
  const { port: own } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://${hostname}:${own}`,
    asked: (beginning) => requests.filter((path) => path.startsWith(beginning)).length,
    shut: () => {
      isOpen = false;
      cut();
    },
    open: () => {
      isOpen = true;
    },
    close: () =>
      new Promise((closed) => {
        cut();
        server.close(() => closed());
      }),
  };
}
