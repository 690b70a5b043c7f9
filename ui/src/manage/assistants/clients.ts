// How common clients are told of the server: what goes where, ready to copy. Where a client can take the key from the
// environment or ask for it, it does, so that no file holds it.

export type Client = { id: string; name: string; where: string; text: (address: string, key: string) => string };

const NAME = "deskwork";
const VARIABLE = "DESKWORK_KEY";

export const PLACEHOLDER = "YOUR_KEY";

export const CLIENTS: Client[] = [
  {
    id: "claude-code",
    name: "Claude Code",
    where: "In a terminal",
    text: (address, key) =>
      `claude mcp add --transport http ${NAME} ${address} \\\n  --header "Authorization: Bearer ${key}"`,
  },
  {
    id: "claude-desktop",
    name: "Claude Desktop",
    where: "claude_desktop_config.json; it reaches the server through mcp-remote, which needs Node",
    text: (address, key) =>
      json({
        mcpServers: {
          [NAME]: {
            command: "npx",
            args: [
              "-y",
              "mcp-remote",
              address,
              ...(isPlain(address) ? ["--allow-http"] : []),
              "--header",
              // Without a space: some systems split arguments there.
              `Authorization:\${DESKWORK_AUTHORIZATION}`,
            ],
            env: { DESKWORK_AUTHORIZATION: `Bearer ${key}` },
          },
        },
      }),
  },
  {
    id: "vscode",
    name: "Visual Studio Code",
    where: ".vscode/mcp.json of a workspace; the key is asked for at the first start",
    text: (address) =>
      json({
        inputs: [{ type: "promptString", id: "deskwork-key", description: "Key for the shop", password: true }],
        servers: {
          [NAME]: { type: "http", url: address, headers: { Authorization: `Bearer \${input:deskwork-key}` } },
        },
      }),
  },
  {
    id: "cursor",
    name: "Cursor",
    where: `~/.cursor/mcp.json; the key is in the environment as ${VARIABLE}`,
    text: (address) =>
      json({
        mcpServers: { [NAME]: { url: address, headers: { Authorization: `Bearer \${env:${VARIABLE}}` } } },
      }),
  },
  {
    id: "codex",
    name: "Codex",
    where: `~/.codex/config.toml; the key is in the environment as ${VARIABLE}`,
    text: (address) => `[mcp_servers.${NAME}]\nurl = "${address}"\nbearer_token_env_var = "${VARIABLE}"`,
  },
  {
    id: "curl",
    name: "Anything else",
    where: "What a client sends to list the tools; an answer shows that address and key are right",
    text: (address, key) =>
      [
        `curl ${address} \\`,
        `  -H "Authorization: Bearer ${key}" \\`,
        '  -H "Content-Type: application/json" -H "Accept: application/json, text/event-stream" \\',
        `  -d '{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'`,
      ].join("\n"),
  },
];

/** Whether a client's text has the key itself in it. */
export function holdsKey(client: Client): boolean {
  return client.text("", PLACEHOLDER).includes(PLACEHOLDER);
}

export function isPlain(address: string): boolean {
  return address.startsWith("http://");
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
