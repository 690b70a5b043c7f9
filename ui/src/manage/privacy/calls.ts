// Requests about privacy. Spelled out here until this version's api.d.ts has them.

import { call } from "../../api/later.ts";
import type { Page } from "../../api/shapes.ts";

export type PrivacyRequest = {
  id: string;
  kind: "export" | "erase";
  state: "open" | "running" | "done" | "failed";
  customer_id: string | null;
  email: string | null;
  verification: string | null;
  unreadable: string | null;
  in_help_desk: boolean;
  help_desk_state: string | null;
  requested_by: string;
  requested_at: string;
  due_at: string;
  is_late: boolean;
  job_id: string | null;
  finished_at: string | null;
  reached: Record<string, number>;
  remarks: string[];
  error: string | null;
  archive_bytes: number | null;
  archive_until: string | null;
};

export type NewRequest = {
  kind: "export" | "erase";
  customer_id: string | null;
  email: string | null;
  verification: string;
  in_help_desk: boolean;
};

export type Retention = {
  kind: string;
  keep_days: number | null;
  is_default: boolean;
  meaning: string;
  changed_at: string | null;
};

const PATH = "/api/privacy";
export const privacyKey = ["privacy"];

export const requests = (state: string | undefined, cursor: string | undefined, signal: AbortSignal) =>
  call<Page<PrivacyRequest>>("GET", `${PATH}/requests`, { query: { state, cursor, limit: 50 }, signal });
export const ask = (body: NewRequest) => call<PrivacyRequest>("POST", `${PATH}/requests`, { body });
export const retention = (signal: AbortSignal) => call<Retention[]>("GET", `${PATH}/retention`, { signal });
export const keep = (kind: string, days: number | null) =>
  call<Retention>("PUT", `${PATH}/retention/${kind}`, { body: { keep_days: days } });
export const archiveOf = (id: string) => `${PATH}/requests/${id}/archive`;
export const certificateOf = (id: string) => `${PATH}/requests/${id}/certificate`;
