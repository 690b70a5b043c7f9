// The shop's customers in a page: how many, what they will spend, who may leave, of what kinds. Every number leads to its rows.

import { Box, Button, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Summary } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { count, day, money, percent } from "../../parts/format.ts";
import { CALM_MS } from "../../parts/pages.ts";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { coarseOf } from "../archetypes/tree.ts";
import { BAND_WORDS, BANDS } from "../bands.ts";
import { TEXTS } from "./texts.ts";

const SHOWN = 10;

export function Overview() {
  const summary = useQuery({
    queryKey: ["summary"],
    queryFn: ({ signal }) => answerAs<Summary>(client.GET("/api/intelligence/summary", { signal })),
    refetchInterval: CALM_MS,
  });
  const [isAsking, setAsking] = useState(false);
  const run = useAct({
    run: () => answer(client.POST("/api/intelligence/evaluate", { body: {} })),
    changes: [["summary"]],
    done: (out) => (
      <>
        The run has begun.{" "}
        <Link to="/operate/jobs/$id" params={{ id: out.job_id }}>
          Follow it
        </Link>
      </>
    ),
    isShownElsewhere: true,
    onDone: () => setAsking(false),
  });
  const last = summary.data?.last_run;
  return (
    <Screen
      title={TEXTS.title}
      note={
        last ? (
          <>
            As of {day(last.as_of)}, by the run that was published <Age at={last.published_at} />
            {summary.data?.next_run_at ? (
              <>
                ; the next is due <Age at={summary.data.next_run_at} />
              </>
            ) : null}
            .
          </>
        ) : undefined
      }
      queries={[summary]}
      actions={
        <Button variant="default" onClick={() => setAsking(true)}>
          {TEXTS.run}
        </Button>
      }
    >
      <Body query={summary}>
        {(known) =>
          known.available ? (
            <Figures summary={known} />
          ) : (
            <Empty title={TEXTS.empty}>{known.reason ?? TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
      {isAsking && (
        <Confirm
          title={TEXTS.run}
          what={TEXTS.runWhat}
          verb={TEXTS.run}
          needsReason={false}
          error={run.error}
          isBusy={run.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => run.mutate(undefined)}
        />
      )}
    </Screen>
  );
}

function Figures({ summary }: { summary: Summary }) {
  const { churn, ltv } = summary;
  const customers = summary.customers ?? 0;
  const kinds = coarseOf(summary.archetypes);
  const leaving = (churn?.bands.high ?? 0) + (churn?.bands.critical ?? 0);
  const most = Math.max(1, ...kinds.map((kind) => kind.customers ?? 0));
  return (
    <>
      <div className="tiles">
        <Tile to="/manage/customers" figure={count(customers)} name="customers" />
        {ltv && (
          <Tile
            to="/manage/customers"
            search={{ sort: "ltv" }}
            figure={money(Math.round(ltv.total), ltv.currency).replace(/\.00$/, "")}
            name={`expected from all of them in ${ltv.horizon_days} days`}
          />
        )}
        {churn && (
          <Tile
            to="/manage/customers"
            search={{ sort: "churn" }}
            figure={percent(leaving / Math.max(1, customers))}
            name={`are likely to buy nothing in ${churn.horizon_days} days`}
          />
        )}
        <Tile to="/manage/archetypes" figure={count(kinds.length)} name="kinds of customers" />
      </div>
      <div className="halves">
        {churn && (
          <Box className="panel panel-pad" component="section" aria-label={TEXTS.risk}>
            <Title order={2} size="h5" mb="xs">
              {TEXTS.risk}
            </Title>
            {BANDS.map((band) => (
              <Share
                key={band}
                name={BAND_WORDS[band] ?? band}
                search={{ churn_band: band }}
                customers={churn.bands[band] ?? 0}
                share={(churn.bands[band] ?? 0) / Math.max(1, customers)}
                of={customers}
              />
            ))}
          </Box>
        )}
        <Box className="panel panel-pad" component="section" aria-label={TEXTS.kinds}>
          <Title order={2} size="h5" mb="xs">
            {TEXTS.kinds}
          </Title>
          {kinds.slice(0, SHOWN).map((kind) => (
            <Share
              key={kind.id}
              name={kind.name}
              search={{ archetype: kind.id }}
              customers={kind.customers ?? 0}
              share={(kind.customers ?? 0) / most}
              of={customers}
            />
          ))}
          {kinds.length > SHOWN && (
            <Text size="sm" mt="xs">
              <Link to="/manage/archetypes">All {count(kinds.length)} kinds</Link>
            </Text>
          )}
        </Box>
      </div>
    </>
  );
}

function Tile({
  to,
  search,
  figure,
  name,
}: {
  to: string;
  search?: Record<string, string>;
  figure: string;
  name: string;
}) {
  return (
    <Link to={to} search={(search ?? {}) as never} className="panel tile">
      <span className="tile-figure">{figure}</span>
      <br />
      <span className="quiet small">{name}</span>
    </Link>
  );
}

function Share(props: { name: string; search: Record<string, string>; customers: number; share: number; of: number }) {
  return (
    <Box py={6}>
      <Box style={{ display: "flex", justifyContent: "space-between", gap: 12 }}>
        <Link to="/manage/customers" search={props.search as never} className="small">
          {props.name}
        </Link>
        <span className="small nowrap">
          {count(props.customers)}{" "}
          <span className="quiet">· {percent(props.customers / Math.max(1, props.of), 1)}</span>
        </span>
      </Box>
      <div className="bar" aria-hidden="true">
        <span style={{ width: `${Math.max(0.4, props.share * 100)}%` }} />
      </div>
    </Box>
  );
}
