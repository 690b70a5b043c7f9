// Answers whose shape the API's description leaves open.

import type { components } from "../api.d.ts";

export type Job = components["schemas"]["JobDocument"];
export type Page<T> = { items: T[]; next_cursor?: string | null };

export type Queue = {
  queue: string;
  jobs: Record<string, number>;
  oldest_ready_secs: number | null;
  in_per_sec: number;
  out_per_sec: number;
  paused: boolean;
  concurrency: number | null;
  reason: string | null;
};

export type Schedule = {
  name: string;
  kind: string;
  cron: string;
  timezone: string;
  scope: string;
  catch_up: string;
  paused: boolean;
  decided_until: string | null;
  changed_by: string;
  spread_secs: number;
};

export type Worker = {
  id: string;
  name: string;
  host: string;
  pid: number;
  version: string;
  queues: Record<string, number>;
  state: string;
  running: number;
  started_at: string;
  beat_at: string;
  jobs: { id: string; kind: string; attempt: number; started_at: string }[];
};

export type DeadGroup = {
  kind: string;
  fingerprint: string;
  error_class: string;
  jobs: number;
  tenants: number;
  first_died_at: string;
  last_died_at: string;
  sample_message: string | null;
  sample_job_id: string;
};

export type DeadJob = {
  id: string;
  tenant_id: string;
  kind: string;
  queue: string;
  attempt: number;
  error_class: string;
  message: string;
  fingerprint: string;
  created_at: string;
  finished_at: string;
};

export type AuditLine = {
  id: string;
  tenant: string;
  actor: string;
  action: string;
  subject: string;
  detail: unknown;
  at: string;
};

export type Failure = { class?: string; message?: string; fingerprint?: string };
export type Progress = { done?: number; total?: number | null; message?: string | null };

export type Run = {
  id: string;
  generation: number;
  state: string;
  as_of: string;
  currency: string | null;
  customers: number;
  lines: number;
  published_at: string | null;
  started_at: string;
  duration_secs: number | null;
  error: string | null;
};

export type Archetype = {
  id: string;
  level: number;
  name: string;
  /** The name by rules where the shop gave another; the field is there where names can be given. */
  automatic_name?: string | null;
  description: string;
  parent_id: string | null;
  share: number | null;
  customers: number | null;
};

export type Summary = {
  available: boolean;
  reason: string | null;
  customers: number | null;
  archetypes: Archetype[];
  churn: { bands: Record<string, number>; horizon_days: number; mean: number } | null;
  ltv: { currency: string; customers: number; horizon_days: number; mean: number; total: number } | null;
  last_run: Run | null;
  next_run_at: string | null;
};

export type CustomerLine = {
  customer_id: string;
  archetype: { id: string; name: string } | null;
  churn: number | null;
  churn_band: string | null;
  ltv: number | null;
  orders: number;
  spend: string;
  last_order_on: string | null;
};

export type Axis = {
  axis: string;
  available: boolean;
  reason?: string | null;
  /** In a few words, with the per cent of customers below. */
  phrase?: string | null;
  percentile?: number | null;
  segment?: string | null;
  description?: string | null;
  strength?: string | null;
  memberships?: { segment: string; membership: number }[];
};

export type Reason = string | { feature?: string; text?: string; sentence?: string; reason?: string };

export type Customer = {
  customer_id: string;
  available: boolean;
  reason: string | null;
  as_of: string | null;
  computed_at: string | null;
  stale: boolean;
  who: string | null;
  confidence: string | null;
  archetype: { available: boolean; id?: string; name?: string; parent?: string | null } | null;
  axes: Axis[] | null;
  churn: {
    available: boolean;
    reason?: string | null;
    probability?: number | null;
    band?: string | null;
    horizon_days?: number | null;
    reasons?: Reason[] | null;
    model?: { id: string; number: number } | null;
  } | null;
  ltv: {
    available: boolean;
    reason?: string | null;
    value?: number | null;
    low?: number | null;
    high?: number | null;
    currency?: string | null;
    horizon_days?: number | null;
    model?: { id: string; number: number } | null;
  } | null;
  purchases: {
    orders: number;
    spend: string;
    currency: string;
    first_order_on: string | null;
    last_order_on: string | null;
  } | null;
};

export type ModelLine = {
  id: string;
  target: string;
  number: number;
  family: string;
  role: string;
  horizon_days: number;
  trained_as_of: string;
  window_from: string;
  window_to: string;
  created_at: string;
  decided_at: string | null;
  decided_by: string | null;
  reason: string | null;
};

export type Figure = { value: number; low: number; high: number } | number | null;

export type Model = ModelLine & {
  snapshots?: string[];
  parameters?: { importance?: [string, number][]; base_rate?: number };
  metrics?: {
    baselines?: Record<string, Record<string, Figure>>;
    ours?: Record<string, Figure>;
    held_back?: { customers?: number; until?: string };
  };
  calibration?: { customers: number; from: number; predicted: number; realised: number }[] | null;
  comparison?: unknown;
};

/** What rules may ask of a customer. Named here, because the API describes another thing under the same name. */
export type SegmentFields = {
  fields: { name: string; type: string; meaning: string; operators: string[]; values?: string[] | null }[];
  segments: string[];
};

export type Drift = {
  job_id: string;
  run_id: string;
  created_at: string;
  verdict: string;
  report: {
    customers_sampled?: number;
    features?: Record<string, { alarm: string; index: number }>;
    findings?: unknown[];
  };
};
