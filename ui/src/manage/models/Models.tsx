// Models by target, the latest first.

import { Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, answerAs, client } from "../../api/client.ts";
import type { ModelLine, Page } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { day, words } from "../../parts/format.ts";
import { usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { FAMILIES, TARGETS, TEXTS } from "./texts.ts";

const COLUMNS: Column<ModelLine>[] = [
  {
    head: "Model",
    cell: (model) => (
      <Link to="/manage/models/$id" params={{ id: model.id }} className="nowrap">
        {TARGETS[model.target] ?? model.target} {model.number}
      </Link>
    ),
  },
  { head: "Role", cell: (model) => <State name={model.role} /> },
  { head: "Made of", cell: (model) => FAMILIES[model.family] ?? words(model.family) },
  { head: "Trained on", cell: (model) => <span className="nowrap">{day(model.trained_as_of)}</span> },
  {
    head: "Why it has this role",
    isWide: true,
    cell: (model) => (
      <Text size="sm" lineClamp={2} title={model.reason ?? ""}>
        {model.reason}
      </Text>
    ),
  },
  { head: "Decided", cell: (model) => <Age at={model.decided_at ?? model.created_at} /> },
];

export function Models() {
  const session = useQuery(sessionQuery);
  const list = usePages<ModelLine>(["models"], (cursor, signal) =>
    answerAs<Page<ModelLine>>(
      client.GET("/api/intelligence/models", { params: { query: { cursor, limit: 50 } }, signal }),
    ),
  );
  const train = useAct({
    run: (target: string) => answer(client.POST("/api/intelligence/train", { body: { target } })),
    changes: [["models"]],
    done: (out) => (
      <>
        The training has begun.{" "}
        <Link to="/operate/jobs/$id" params={{ id: out.job_id }}>
          Follow it
        </Link>
      </>
    ),
  });
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      queries={[list.query]}
      actions={
        may(session.data, "intelligence:write") && (
          <Group gap="xs">
            {Object.entries(TARGETS).map(([target, name]) => (
              <Button
                key={target}
                variant="default"
                onClick={() => train.mutate(target)}
                loading={train.isPending && train.variables === target}
              >
                {TEXTS.train}: {name.toLowerCase()}
              </Button>
            ))}
          </Group>
        )
      }
    >
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(model) => model.id}
              onMore={list.onMore}
              isLoadingMore={list.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}
