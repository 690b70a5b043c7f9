// What an answer is made of. The API describes it in words only, because a model's answer and the grammar's are stored alike.

import type { components } from "../../api.d.ts";

type Schemas = components["schemas"];

export type Row = Record<string, unknown>;

export type ChartOf = {
  kind: string;
  x: string;
  y: string;
  bounds: [string, string] | null;
  unit: string | null;
  title: string;
};

export type CallMade = {
  tool: string;
  arguments: Record<string, unknown>;
  as_of: string;
  computed_at: string;
  available: boolean;
  reason?: string | null;
  currency?: string | null;
  rows?: number;
  withheld?: number;
  cost: { rows_read: number; remembered: boolean };
};

export type Answer = {
  outcome: "answered" | "asks" | "declined";
  text: string;
  rows: Row[];
  chart: ChartOf | null;
  calls: CallMade[];
  as_of: string | null;
  caveats: string[];
  suggestions: string[];
  answered_by: string;
  model: string | null;
  removed_sentences: number;
};

export type Exchange = Omit<Schemas["ExchangeView"], "answer"> & { answer: Answer | null };

export type Conversation = Omit<Schemas["Conversation"], "exchanges"> & { exchanges: Exchange[] };
export type Asked = Schemas["AskedQuestion"];
