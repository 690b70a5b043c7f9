// The articles, how often the help page answered a question, and how that page looks.

import { Button, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Age } from "../../parts/Age.tsx";
import { count, percent } from "../../parts/format.ts";
import { languageName } from "../../parts/languages.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { type Article, articles, articlesKey, deflection } from "./calls.ts";
import { HelpPage } from "./HelpPage.tsx";
import { TEXTS } from "./texts.ts";

const COLUMNS: Column<Article>[] = [
  {
    head: "Article",
    isWide: true,
    cell: (article) => (
      <>
        <Link to="/manage/articles/$id" params={{ id: article.id }}>
          {article.texts[article.default_language]?.title ?? article.slug}
        </Link>
        <div className="quiet small">/{article.slug}</div>
      </>
    ),
  },
  { head: "Category", cell: (article) => article.category ?? "–" },
  { head: "Stands", cell: (article) => <Standing article={article} /> },
  { head: "For", cell: (article) => (article.is_public ? "Everybody" : "Agents") },
  { head: "Languages", cell: (article) => Object.keys(article.texts).map(languageName).join(", ") },
  { head: "Changed", cell: (article) => <Age at={article.updated_at} /> },
];

export function Standing({ article }: { article: Article }) {
  if (article.published_version == null) return <State name="draft">Draft</State>;
  if (article.published_version < article.version) return <State name="watch">Published; newer changes are not</State>;
  return <State name="published">Published</State>;
}

export function Articles() {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const list = usePages<Article>(articlesKey, articles, CALM_MS);
  const mayChange = may(session.data, "settings:write");
  const answered = useQuery({
    queryKey: [...articlesKey, "deflection"],
    queryFn: ({ signal }) => deflection(signal),
    enabled: may(session.data, "reports:read"),
  });
  const make = mayChange && (
    <Button onClick={() => void navigate({ to: "/manage/articles/$id", params: { id: "new" } })}>{TEXTS.make}</Button>
  );
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]} actions={make}>
      {answered.data && answered.data.shown > 0 && (
        <Text size="sm">
          In 30 days the help page showed articles for {count(answered.data.shown)} questions;{" "}
          {count(answered.data.deflected)} of them were read and not sent (
          {percent(answered.data.deflected / answered.data.shown)}).
        </Text>
      )}
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(article) => article.id}
              onMore={list.onMore}
            />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
      {mayChange && (
        <Stack maw={720}>
          <HelpPage />
        </Stack>
      )}
    </Screen>
  );
}
