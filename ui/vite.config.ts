// Builds the web app into dist/, packed for the api, and serves it with reloads to those who work on it.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const api = process.env.DESK_API ?? "http://127.0.0.1:8080";
const key = process.env.DESK_API_KEY;

export default defineConfig({
  plugins: [react(), pack()],
  html: { cspNonce: "__CSP_NONCE__" },
  build: {
    assetsInlineLimit: 0,
    license: true,
    chunkSizeWarningLimit: 900,
  },
  server: {
    port: 5173,
    proxy: {
      // The key of who works on the app is added here, so that no page ever holds it.
      "/api": { target: api, changeOrigin: true, headers: key ? { "X-API-Key": key } : {} },
      "/.well-known": { target: api, changeOrigin: true },
    },
  },
});

// The api serves what is packed here; its own build would take a minute for the same.
function pack(): Plugin {
  return {
    name: "pack",
    apply: "build",
    async closeBundle() {
      const folder = new URL("dist/assets/", import.meta.url);
      for (const name of await readdir(folder)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const plain = await readFile(new URL(name, folder));
        const parameters = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
        await writeFile(new URL(`${name}.br`, folder), await promisify(brotliCompress)(plain, { params: parameters }));
        await writeFile(new URL(`${name}.gz`, folder), await promisify(gzip)(plain, { level: 9 }));
      }
    },
  };
}
