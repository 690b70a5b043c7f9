// What the dialog of the connection holds, as the API takes it.

import type { Connection, ConnectionWanted } from "./calls.ts";

export type Form = {
  baseUrl: string;
  email: string;
  apiKey: string;
  mode: "stays" | "token" | "hmac";
  secret: string;
  keepsBefore: boolean;
};

export function formOf(known: Connection): Form {
  return {
    baseUrl: known.base_url ?? "",
    email: known.email ?? "",
    apiKey: "",
    mode: known.verification ? "stays" : "token",
    secret: "",
    keepsBefore: true,
  };
}

/** Whether the saved key serves: it belongs to one address. */
export function keepsKey(known: Connection, form: Form): boolean {
  return Boolean(known.base_url) && trimmed(form.baseUrl) === known.base_url;
}

/** Whether the secret of before can go on beside the new one: only of the same kind. */
export function canKeepSecret(known: Connection, form: Form): boolean {
  return form.mode !== "stays" && form.mode === known.verification;
}

export function bodyOf(known: Connection, form: Form): ConnectionWanted {
  return {
    base_url: form.baseUrl.trim(),
    email: form.email.trim(),
    ...(form.apiKey === "" ? {} : { api_key: form.apiKey }),
    ...(form.mode === "stays"
      ? {}
      : {
          verification: {
            mode: form.mode,
            secret: form.secret,
            keeps_before: canKeepSecret(known, form) && form.keepsBefore,
          },
        }),
  };
}

function trimmed(url: string): string {
  return url.trim().replace(/\/+$/, "");
}
