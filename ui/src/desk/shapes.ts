// The shapes of the desk. Most are the API's own; those that its description leaves open are spelled out here.

import type { Customer } from "../api/shapes.ts";
import type { components } from "../api.d.ts";

type Schemas = components["schemas"];

export type Ticket = Schemas["TicketView"] & {
  /** When its customer was erased: then nobody can be answered in it. */
  erased_at?: string | null;
};
export type Message = Schemas["MessageView"] & {
  /** Why a reply was not sent: no_mailbox, no_mail_server or no_address is what it lacks; or it was overtaken. */
  not_sent_because?: string | null;
};
export type Draft = Schemas["DraftView"];
export type Agent = Schemas["AgentView"];
export type TicketChange = Schemas["TicketChange"];

export type Clock = {
  kind: string;
  seq: number;
  state: string;
  standing: string | null;
  started_at: string;
  due_at: string | null;
  warn_at?: string | null;
  ended_at: string | null;
  verdict: string | null;
  target_minutes: number | null;
};

export type ExplainedClock = Clock & {
  paused: boolean;
  elapsed_secs: number;
  remaining_secs: number | null;
  target_time: string | null;
  intervals?: { from: string; to: string; secs: number; spent: string }[];
};

export type Opened = Omit<Ticket, "id"> & {
  id: string;
  last_message_id: string | null;
  note_count: number;
  assignee: { id: string; name: string; is_present: boolean; availability: string } | null;
  intelligence: Customer & { customers?: string[] };
  clocks: Clock[];
  reply_text: { body_text: string; version: number; updated_at: string } | null;
  other_writers: string[];
  /** What is under way: a reply that has not left, a message that nobody has read, a draft, a change for the help desk. */
  pending?: { what: string; since: string; because: string | null }[];
  merged_from: string[];
  follow_ups: string[];
};

export type Score = { score: number | null; terms: { term: string; points: number; why: string }[] };

export type Advice = {
  id: string;
  stale: boolean;
  priority: string;
  actions: string[];
  talking_points: string[];
  warnings: string[];
  retention_probability: number | null;
  revenue_at_risk: string | null;
  currency: string | null;
  created_at: string;
};

/** One event of the desk. */
export type DeskEvent = {
  id?: number;
  kind: string;
  at: string;
  ticket_id: string | null;
  agent_id: string | null;
  data: Record<string, unknown>;
};
