// What a draft was written from and what is to be looked at in it, out of the facts that are kept with it.

import type { Draft } from "../shapes.ts";

export type Cited = { id: string; title: string; version: number; isUsed: boolean };

/** The articles that its drafter had, those that it used first; and its remarks. */
export function besideDraft(draft: Pick<Draft, "recommendation">): { articles: Cited[]; remarks: string[] } {
  const facts = isRecord(draft.recommendation) ? draft.recommendation : {};
  const list = (given: unknown) => (Array.isArray(given) ? given : []);
  const articles = list(facts.articles).flatMap((each): Cited[] => {
    if (!isRecord(each) || typeof each.id !== "string" || typeof each.title !== "string") return [];
    return [{ id: each.id, title: each.title, version: Number(each.version), isUsed: each.used === true }];
  });
  return {
    articles: articles.sort((one, other) => Number(other.isUsed) - Number(one.isUsed)),
    remarks: list(facts.remarks).filter((each): each is string => typeof each === "string"),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
