// What an answer is made of. The API describes it in words only, because a model's answer and the grammar's are stored alike.

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

export type Exchange = {
  id: string;
  question: string;
  asked_at: string;
  answered_at: string | null;
  answer: Answer | null;
};

export type Conversation = { conversation_id: string; exchanges: Exchange[] };
export type Asked = { job_id: string; state: string; conversation_id: string; exchange_id: string };
