// Requests about mail. Spelled out here until this version's api.d.ts has them.

import { call } from "../../api/later.ts";
import type { Page } from "../../api/shapes.ts";

export type Mailbox = {
  id: string;
  address: string;
  display_name: string | null;
  is_default: boolean;
  smtp: { host: string; port: number; security: string; username: string | null } | null;
  dkim: { domain: string; selector: string } | null;
  acknowledgement: string | null;
  last_received_at: string | null;
  last_sent_at: string | null;
  last_error: string | null;
  last_error_at: string | null;
  created_at: string;
  disabled_at: string | null;
};

export type MailboxWanted = {
  address: string;
  display_name: string | null;
  is_default: boolean;
  smtp: { host: string; port: number; security: string; username: string | null; password: string | null } | null;
  dkim: { domain: string; selector: string; private_key: string | null } | null;
  acknowledgement: string | null;
};

export type Mail = {
  id: string;
  mailbox_id: string;
  sender: string | null;
  came_by: string;
  size_bytes: number;
  state: "waiting" | "taken" | "suspended" | "unreadable";
  reason: string | null;
  machine: string | null;
  remarks: string[];
  ticket_id: string | null;
  received_at: string;
  has_raw: boolean;
};

export type Unsure = {
  message_id: string;
  ticket_id: string;
  ticket_number: number;
  customer_email: string | null;
  error: string | null;
  created_at: string;
};

type Cursor = string | undefined;

export const mailboxes = (withDisabled: boolean, signal: AbortSignal) =>
  call<Mailbox[]>("GET", "/api/mailboxes", { query: { include_disabled: withDisabled }, signal });
export const makeMailbox = (body: MailboxWanted) =>
  call<Mailbox & { token: string }>("POST", "/api/mailboxes", { body });
export const putMailbox = (id: string, body: MailboxWanted) => call<Mailbox>("PUT", `/api/mailboxes/${id}`, { body });
export const giveUp = (id: string) => call<null>("DELETE", `/api/mailboxes/${id}`);
export const renewToken = (id: string) => call<{ token: string }>("POST", `/api/mailboxes/${id}/token`);

export const mails = (query: Record<string, string>, cursor: Cursor, signal: AbortSignal) =>
  call<Page<Mail>>("GET", "/api/mail/inbound", { query: { ...query, cursor, limit: 50 }, signal });
export const recover = (id: string) => call<Mail>("POST", `/api/mail/inbound/${id}/recover`);
export const recoverSender = (sender: string) =>
  call<{ recovered: number }>("POST", "/api/mail/recover", { body: { sender } });

export const unsure = (cursor: Cursor, signal: AbortSignal) =>
  call<Page<Unsure>>("GET", "/api/mail/unsure", { query: { cursor, limit: 20 }, signal });
export const decide = (id: string, wasSent: boolean) =>
  call<unknown>("POST", `/api/mail/unsure/${id}`, { body: { was_sent: wasSent } });
