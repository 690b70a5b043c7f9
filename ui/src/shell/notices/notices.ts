// Which events of the stream are said to the person who is signed in: those that concern them, with the way to what they
// speak of. Everybody else's are passed over.

import type { DeskEvent } from "../../desk/shapes.ts";
import { TEXTS } from "./texts.ts";

export type Kind = keyof typeof TEXTS;
export type Notice = { kind: Kind; title: string; text: string; link: string; href: string | null };
export type Reader = { id: string | null; may: (permission: string) => boolean };

export const isNotice = (kind: string): kind is Kind => Object.hasOwn(TEXTS, kind);

export function noticeOf(event: DeskEvent, reader: Reader): Notice | null {
  const { kind } = event;
  if (!isNotice(kind) || !concerns(kind, event, reader)) return null;
  return { kind, ...TEXTS[kind], href: placeOf(kind, event, reader) };
}

/** Those that change no ticket: nothing is asked for again for them. */
export const isOnlyNotice = (kind: string): boolean => isNotice(kind) && kind !== "reply_failed";

/** A ticket is pointed out to one person, and a reply is its writer's matter; a rule that stands still is its owner's matter and of those who keep rules. */
function concerns(kind: Kind, event: DeskEvent, reader: Reader): boolean {
  const isTheirs = reader.id !== null && event.agent_id === reader.id;
  if (kind === "rule_notice" || kind === "reply_failed") return isTheirs;
  if (kind === "mail_suspended") return reader.may("webhooks:read");
  return isTheirs || reader.may("settings:write");
}

function placeOf(kind: Kind, event: DeskEvent, reader: Reader): string | null {
  const id = (name: string) => {
    const value = event.data[name];
    return typeof value === "string" ? encodeURIComponent(value) : null;
  };
  if (kind === "rule_notice" || kind === "reply_failed")
    return event.ticket_id && `/desk?ticket=${encodeURIComponent(event.ticket_id)}`;
  if (kind === "mail_suspended") {
    const mailbox = id("mailbox_id");
    return `/manage/mail?state=suspended${mailbox ? `&mailbox_id=${mailbox}` : ""}`;
  }
  const rule = id("rule_id");
  return rule && reader.may("settings:write") ? `/manage/rules/${rule}` : null;
}
