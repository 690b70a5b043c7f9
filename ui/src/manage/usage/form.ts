// What is typed into the form of the budget, and the policy that it means.

import type { components } from "../../api.d.ts";

export type Policy = components["schemas"]["AiPolicy"];
export type Typed = {
  hasLimit: boolean;
  dollars: number | string;
  warn: number | string;
  rounds: number | string;
  smallest: number | string;
};

export function typed(policy: Policy): Typed {
  const micros = policy.monthly_micros ?? null;
  return {
    hasLimit: micros !== null,
    dollars: micros === null ? 25 : micros / 1_000_000,
    warn: policy.warn_percent,
    rounds: policy.rounds,
    smallest: policy.smallest_group,
  };
}

/** The policy, or the field that holds no number. */
export function policyOf(form: Typed): Policy | { missing: keyof Typed } {
  for (const name of ["warn", "rounds", "smallest"] as const) {
    if (!isNumber(form[name])) return { missing: name };
  }
  if (form.hasLimit && !isNumber(form.dollars)) return { missing: "dollars" };
  return {
    monthly_micros: form.hasLimit ? Math.round(Number(form.dollars) * 1_000_000) : null,
    warn_percent: Number(form.warn),
    rounds: Number(form.rounds),
    smallest_group: Number(form.smallest),
  };
}

function isNumber(value: number | string): boolean {
  return value !== "" && Number.isFinite(Number(value));
}
