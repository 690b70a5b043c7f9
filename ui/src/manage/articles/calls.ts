// Requests about articles and the help page.

import { answer, answerAs, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";

type Schemas = components["schemas"];

export type ArticleBody = Schemas["ArticleBody"];
export type Article = Schemas["ArticleView"];
export type HelpLooks = Schemas["HelpLooks"];
/** The description names the span alone, and leaves the counts open. */
export type Deflection = Schemas["Deflection"] & {
  shown: number;
  opened: number;
  sent: number;
  deflected: number;
  open: number;
};

export const articlesKey = ["articles"];

const of = (id: string) => ({ params: { path: { id } } });

export const articles = (cursor: string | undefined, signal: AbortSignal) =>
  answer(client.GET("/api/articles", { params: { query: { cursor, limit: 50 } }, signal }));
export const article = (id: string, signal: AbortSignal) =>
  answer(client.GET("/api/articles/{id}", { ...of(id), signal }));
export const makeArticle = (body: ArticleBody) => answer(client.POST("/api/articles", { body }));
export const changeArticle = (known: Article, body: ArticleBody) =>
  answer(
    client.PUT("/api/articles/{id}", {
      params: { path: { id: known.id }, header: { "If-Match": `"${known.version}"` } },
      body,
    }),
  );
export const removeArticle = (id: string) => answer(client.DELETE("/api/articles/{id}", of(id)));
export const publish = (id: string, isOn: boolean) =>
  isOn
    ? answer(client.POST("/api/articles/{id}/publish", { ...of(id), body: {} }))
    : answer(client.POST("/api/articles/{id}/unpublish", of(id)));
export const preview = (body: string, signal: AbortSignal) =>
  answer(client.POST("/api/articles/preview", { body: { body }, signal }));
export const deflection = (signal: AbortSignal) =>
  answerAs<Deflection>(client.GET("/api/articles/deflection", { signal }));

export const looks = (signal: AbortSignal) => answer(client.GET("/api/help", { signal }));
export const putLooks = (body: HelpLooks) => answer(client.PUT("/api/help", { body }));
