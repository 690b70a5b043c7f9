// Requests about articles and the help page. Spelled out here until this version's api.d.ts has them.

import { call } from "../../api/later.ts";
import type { Page } from "../../api/shapes.ts";

export type ArticleText = { title: string; body: string };
export type ArticleBody = {
  slug: string;
  category: string | null;
  is_public: boolean;
  texts: Record<string, ArticleText>;
  default_language: string;
};
export type Article = ArticleBody & {
  id: string;
  version: number;
  published_version: number | null;
  changed_by: string;
  updated_at: string;
};
export type Deflection = { shown: number; opened: number; sent: number; deflected: number; open: number };
export type HelpLooks = { is_on: boolean; title: string; colour: string; language: string; has_form: boolean };

const PATH = "/api/articles";
export const articlesKey = ["articles"];

export const articles = (cursor: string | undefined, signal: AbortSignal) =>
  call<Page<Article>>("GET", PATH, { query: { cursor, limit: 50 }, signal });
export const article = (id: string, signal: AbortSignal) => call<Article>("GET", `${PATH}/${id}`, { signal });
export const makeArticle = (body: ArticleBody) => call<Article>("POST", PATH, { body });
export const changeArticle = (known: Article, body: ArticleBody) =>
  call<Article>("PUT", `${PATH}/${known.id}`, { body, headers: { "If-Match": `"${known.version}"` } });
export const removeArticle = (id: string) => call<null>("DELETE", `${PATH}/${id}`);
export const publish = (id: string, isOn: boolean) =>
  isOn
    ? call<Article>("POST", `${PATH}/${id}/publish`, { body: {} })
    : call<Article>("POST", `${PATH}/${id}/unpublish`);
export const preview = (body: string, signal: AbortSignal) =>
  call<{ html: string }>("POST", `${PATH}/preview`, { body: { body }, signal });
export const deflection = (signal: AbortSignal) => call<Deflection>("GET", `${PATH}/deflection`, { signal });

export const looks = (signal: AbortSignal) => call<HelpLooks>("GET", "/api/help", { signal });
export const putLooks = (body: HelpLooks) => call<HelpLooks>("PUT", "/api/help", { body });
