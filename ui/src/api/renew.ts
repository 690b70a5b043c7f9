// A session's cookie is short-lived and renewed by another: a refused request is sent once more after that. Many requests
// that are refused together cause one renewal.

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
