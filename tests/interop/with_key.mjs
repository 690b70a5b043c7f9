// Passes requests on with an API key: the protocol's conformance suite has no setting for a credential.
//
// usage: DESK_API_KEY=KEY node with_key.mjs URL     prints the port at which it listens on this machine; it ends with its input

import http from "node:http";

const [target] = process.argv.slice(2);
const key = process.env.DESK_API_KEY;
if (!target || !key) {
  console.error("usage: DESK_API_KEY=KEY node with_key.mjs URL");
  process.exit(2);
}
const { hostname, port: targetPort } = new URL(target);

const server = http.createServer((request, answer) => {
  const options = {
    hostname,
    port: targetPort,
    path: request.url,
    method: request.method,
    // Host and Origin go on as they came: what the suite makes of them is what is tested.
    headers: { ...request.headers, authorization: `Bearer ${key}` },
    setHost: false,
  };
  const passed = http.request(options, (response) => {
    answer.writeHead(response.statusCode, response.headers);
    answer.flushHeaders();
    response.pipe(answer);
  });
  passed.on("error", () => answer.destroy());
  answer.on("close", () => passed.destroy());
  request.pipe(passed);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
