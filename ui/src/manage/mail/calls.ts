// Requests about mail.

import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";

type Schemas = components["schemas"];

export type Mailbox = Schemas["MailboxView"];
export type MailboxWanted = Schemas["MailboxWanted"];
export type Mail = Schemas["MailView"];
export type Unsure = Schemas["UnsureView"];

type Cursor = string | undefined;

const of = (id: string) => ({ params: { path: { id } } });

export const mailboxes = (withDisabled: boolean, signal: AbortSignal) =>
  answer(client.GET("/api/mailboxes", { params: { query: { include_disabled: withDisabled } }, signal }));
export const makeMailbox = (body: MailboxWanted) => answer(client.POST("/api/mailboxes", { body }));
export const putMailbox = (id: string, body: MailboxWanted) =>
  answer(client.PUT("/api/mailboxes/{id}", { ...of(id), body }));
export const giveUp = (id: string) => answer(client.DELETE("/api/mailboxes/{id}", of(id)));
export const renewToken = (id: string) => answer(client.POST("/api/mailboxes/{id}/token", of(id)));

export const mails = (query: Record<string, string>, cursor: Cursor, signal: AbortSignal) =>
  answer(client.GET("/api/mail/inbound", { params: { query: { ...query, cursor, limit: 50 } }, signal }));
export const recover = (id: string) => answer(client.POST("/api/mail/inbound/{id}/recover", of(id)));
export const recoverSender = (sender: string) => answer(client.POST("/api/mail/recover", { body: { sender } }));

export const unsure = (cursor: Cursor, signal: AbortSignal) =>
  answer(client.GET("/api/mail/unsure", { params: { query: { cursor, limit: 20 } }, signal }));
export const decide = (id: string, wasSent: boolean) =>
  answer(client.POST("/api/mail/unsure/{id}", { ...of(id), body: { was_sent: wasSent } }));
