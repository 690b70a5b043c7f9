// One segment: its rule, its members with the facts that made them so, its evaluations.

import { Box, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { RuleGroupType } from "react-querybuilder";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Summary } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { count, day, money, percent } from "../../parts/format.ts";
import { usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { BAND_WORDS } from "../bands.ts";
import { Builder } from "./Builder.tsx";
import { type Rule, toQuery } from "./rule.ts";
import type { SegmentView } from "./Segments.tsx";
import { TEXTS } from "./texts.ts";

type Member = components["schemas"]["MemberView"];
type Evaluation = components["schemas"]["EvaluationView"];

const members = (currency: string | null | undefined): Column<Member>[] => [
  {
    head: "Customer",
    cell: (member) => (
      <Link to="/manage/customers/$id" params={{ id: member.customer_id }}>
        {member.customer_id}
      </Link>
    ),
  },
  { head: "Orders", isNumber: true, cell: (member) => count(member.order_count) },
  { head: "Spent", isNumber: true, cell: (member) => money(member.total_order_value, currency) },
  { head: "Last order", cell: (member) => <span className="nowrap">{day(member.last_order_date)}</span> },
  {
    head: "Risk to leave",
    cell: (member) =>
      member.churn_risk ? (
        <State name={member.churn_risk}>
          {BAND_WORDS[member.churn_risk] ?? member.churn_risk}, {percent(member.churn_probability)}
        </State>
      ) : (
        "–"
      ),
  },
  { head: "Expected", isNumber: true, cell: (member) => money(member.ltv, currency) },
  { head: "Member since", cell: (member) => <Age at={member.entered_at} /> },
];

const HISTORY: Column<Evaluation>[] = [
  {
    head: "Found",
    cell: (evaluation) => (
      <Link to="/operate/jobs/$id" params={{ id: evaluation.job_id }}>
        <Age at={evaluation.finished_at ?? evaluation.started_at} />
      </Link>
    ),
  },
  { head: "State", cell: (evaluation) => <State name={evaluation.state} /> },
  { head: "Members", isNumber: true, cell: (evaluation) => count(evaluation.members) },
  { head: "Came", isNumber: true, cell: (evaluation) => count(evaluation.entered) },
  { head: "Left", isNumber: true, cell: (evaluation) => count(evaluation.left) },
];

export function Segment() {
  const { id } = useParams({ strict: false }) as { id: string };
  const path = { params: { path: { id } } };
  const segment = useQuery({
    queryKey: ["segment", id],
    queryFn: ({ signal }) => answer(client.GET("/api/segments/{id}", { ...path, signal })),
    refetchInterval: (query) =>
      query.state.data && ["done", "failed"].includes(query.state.data.status) ? false : 1_000,
  });
  const [mode, setMode] = useState<"look" | "change" | "archive">("look");
  const evaluate = useAct({
    run: () => answer(client.POST("/api/segments/{id}/evaluate", { ...path, body: {} as never })),
    changes: [
      ["segment", id],
      ["members", id],
      ["evaluations", id],
    ],
    done: () => "Its members are being found",
  });
  return (
    <Screen
      title={segment.data?.name ?? "Segment"}
      note={segment.data?.description}
      queries={[segment]}
      actions={
        segment.data && !segment.data.archived_at ? (
          <>
            <Button variant="default" onClick={() => evaluate.mutate(undefined)} loading={evaluate.isPending}>
              {TEXTS.evaluate}
            </Button>
            <Button variant="default" onClick={() => setMode("change")}>
              {TEXTS.change}
            </Button>
            <Button variant="default" onClick={() => setMode("archive")}>
              {TEXTS.archive}
            </Button>
          </>
        ) : undefined
      }
    >
      <Body query={segment}>
        {(known) => (
          <>
            <Box className="panel panel-pad">
              <Text size="sm" component="div">
                <State name={known.outdated ? "retrying" : known.status}>
                  <strong>{count(known.members)}</strong> {known.members === 1 ? "customer" : "customers"}
                  {known.outdated ? ", outdated" : ""}
                </State>{" "}
                <span className="quiet">
                  found <Age at={known.computed_at} />
                </span>
              </Text>
              <Text mt={6} component="div">
                <code>{known.rule_text}</code>
              </Text>
            </Box>
            {mode === "change" && <Change segment={known} onClose={() => setMode("look")} />}
            <Members id={id} />
            <History id={id} />
          </>
        )}
      </Body>
      {mode === "archive" && segment.data && <Archive segment={segment.data} onClose={() => setMode("look")} />}
    </Screen>
  );
}

function Change({ segment, onClose }: { segment: SegmentView; onClose: () => void }) {
  const saved = segment.rule as unknown as Rule;
  const [query, setQuery] = useState(toQuery(saved) as RuleGroupType);
  const [rule, setRule] = useState<Rule | null>(saved);
  const write = (next: Rule | null) =>
    answer(client.PATCH("/api/segments/{id}", { params: { path: { id: segment.id } }, body: { rule: next as never } }));
  const save = useAct({
    run: () => write(rule),
    changes: [["segment", segment.id], ["segments"], ["members", segment.id], ["evaluations", segment.id]],
    done: () => "The rule is changed",
    undo: () => write(saved),
    isShownElsewhere: true,
    onDone: onClose,
  });
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.change}>
      <Stack gap="sm">
        <Builder query={query} onChange={setQuery} onRule={setRule} />
        {save.isError && <Failure error={save.error} compact />}
        <Group gap="xs">
          <Button onClick={() => save.mutate(undefined)} disabled={!rule} loading={save.isPending}>
            Save the rule
          </Button>
          <Button variant="default" onClick={onClose}>
            Keep it as it is
          </Button>
        </Group>
      </Stack>
    </Box>
  );
}

function Archive({ segment, onClose }: { segment: SegmentView; onClose: () => void }) {
  const navigate = useNavigate();
  const act = useAct({
    run: () => answer(client.DELETE("/api/segments/{id}", { params: { path: { id: segment.id } } })),
    changes: [["segments"]],
    done: () => `${segment.name} is put away`,
    isShownElsewhere: true,
    onDone: () => void navigate({ to: "/manage/segments" }),
  });
  return (
    <Confirm
      title={`Put ${segment.name} away`}
      what={TEXTS.archiveWhat}
      verb={TEXTS.archive}
      isDestructive
      needsReason={false}
      error={act.error}
      isBusy={act.isPending}
      onClose={onClose}
      onConfirm={() => act.mutate(undefined)}
    />
  );
}

function Members({ id }: { id: string }) {
  const summary = useQuery({
    queryKey: ["summary"],
    queryFn: ({ signal }) => answerAs<Summary>(client.GET("/api/intelligence/summary", { signal })),
    staleTime: 60_000,
  });
  const list = usePages<Member>(["members", id], (cursor, signal) =>
    answer(
      client.GET("/api/segments/{id}/members", { params: { path: { id }, query: { cursor, limit: 50 } }, signal }),
    ),
  );
  return (
    <section aria-label="Members">
      <Title order={2} size="h5" mb="xs">
        Members
      </Title>
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label="Members"
              columns={members(summary.data?.ltv?.currency)}
              rows={list.rows}
              rowKey={(member) => member.customer_id}
              onMore={list.onMore}
              isLoadingMore={list.query.isFetchingNextPage}
            />
          ) : (
            <Empty title="Nobody" />
          )
        }
      </Body>
    </section>
  );
}

function History({ id }: { id: string }) {
  const list = usePages<Evaluation>(["evaluations", id], (cursor, signal) =>
    answer(
      client.GET("/api/segments/{id}/history", { params: { path: { id }, query: { cursor, limit: 20 } }, signal }),
    ),
  );
  return (
    <section aria-label="History">
      <Title order={2} size="h5" mb="xs">
        History
      </Title>
      <Body query={list.query} rows={3}>
        {() => (
          <Rows
            label="History"
            columns={HISTORY}
            rows={list.rows ?? []}
            rowKey={(evaluation) => evaluation.job_id}
            onMore={list.onMore}
          />
        )}
      </Body>
    </section>
  );
}
