// A session's cookie is short-lived and renewed by another: a refused request is sent once more after that. Many requests
// that are refused together cause one renewal.

/** Set beside the session's cookies, which no script can read. It opens nothing. */
const MARK = "desk-here";

/** Whether it makes sense to ask for a session: without the mark there is none, and the answer would be a refusal. */
export function mayHaveSession(cookies = document.cookie): boolean {
  // The proxy of `make ui` adds a key, and nobody signs in.
  return import.meta.env?.DEV === true || cookies.split("; ").some((cookie) => cookie === `${MARK}=1`);
}

/** For whoever has asked for the session and was told that there is none. */
export function forgetMark() {
  document.cookie = `${MARK}=; Path=/; Max-Age=0; Secure; SameSite=Strict`;
}

let renewing: Promise<boolean> | undefined;

/** Whether the session goes on. */
function renew(): Promise<boolean> {
  renewing ??= fetch("/api/auth/refresh", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{}",
  })
    .then((response) => response.ok)
    .catch(() => false)
    .finally(() => {
      renewing = undefined;
    });
  return renewing;
}

/** Sends, and after a 401 renews the session and sends once more. `send` has to be able to send twice. */
export async function withSession(send: () => Promise<Response>): Promise<Response> {
  const response = await send();
  if (response.status !== 401 || !(await renew())) return response;
  return send();
}
