// One delivery: what is sent, every request that was made for it with its answer; at once what waits, once more what is over.

import { Box, Button, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Problem } from "../../api/problem.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { count, duration, moment } from "../../parts/format.ts";
import { LIVE_MS } from "../../parts/pages.ts";
import { Body, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { DELIVERIES, deliveryQuery, type Exchange, endpointsQuery, replay, type Shown, sendNow } from "./calls.ts";
import { attemptsOf, TONES } from "./Deliveries.tsx";
import { STATES, TEXTS } from "./texts.ts";

export function Delivery() {
  const { id } = useParams({ strict: false }) as { id: string };
  const session = useQuery(sessionQuery);
  const query = useQuery({
    ...deliveryQuery(id),
    // What waits changes by itself.
    refetchInterval: (known) => (known.state.data?.state === "waiting" ? LIVE_MS : false),
  });
  const again = useAct({
    run: () => replay(id),
    changes: [DELIVERIES],
    done: () => TEXTS.replayed,
  });
  const now = useAct({
    run: () => saidNow(id),
    changes: [DELIVERIES],
    done: (said) => said,
  });
  const known = query.data;
  const mayReplay = known && known.type !== "webhook.test";
  return (
    <Screen
      title={TEXTS.delivery}
      note={<span className="mono">{known?.type ?? id}</span>}
      queries={[query]}
      actions={
        may(session.data, "settings:write") &&
        (known?.state === "waiting" ? (
          <Button loading={now.isPending} onClick={() => now.mutate(undefined)}>
            {TEXTS.sendNow}
          </Button>
        ) : (
          mayReplay && (
            <Button loading={again.isPending} onClick={() => again.mutate(undefined)}>
              {TEXTS.replay}
            </Button>
          )
        ))
      }
    >
      <Body query={query}>
        {(delivery) => (
          <div className="columns">
            <Stack gap="md">
              <Part title={TEXTS.answers}>
                {delivery.requests.length > 0 ? (
                  <ol className="story">
                    {delivery.requests.map((exchange) => (
                      <Answered key={exchange.at} exchange={exchange} />
                    ))}
                  </ol>
                ) : (
                  <p className="quiet small">
                    {delivery.state === "waiting" ? TEXTS.answersNone : TEXTS.answersMissing}
                  </p>
                )}
              </Part>
              <Part title={TEXTS.request}>
                <Payload text={JSON.stringify(delivery.request_body, null, 2)} />
              </Part>
            </Stack>
            <Facts delivery={delivery} />
          </div>
        )}
      </Body>
    </Screen>
  );
}

/** What became of it in a sentence. That its turn has not come is no failure, and says what to do. */
async function saidNow(id: string): Promise<string> {
  try {
    const sent = await sendNow(id);
    if (sent.waits_for) return `${TEXTS.sentLater} ${moment(sent.next_at)}`;
    return sent.brought_forward ? TEXTS.sentNow : TEXTS.sentSoon;
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "not-now") throw error;
    return `${TEXTS.notNow}: ${error.message}`;
  }
}

function Facts({ delivery }: { delivery: Shown }) {
  const endpoints = useQuery(endpointsQuery);
  const endpoint = endpoints.data?.items.find((one) => one.id === delivery.endpoint_id);
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.facts}>
      <dl className="facts">
        <dt>{TEXTS.state}</dt>
        <dd>
          <State name={delivery.state} tone={TONES[delivery.state] ?? "none"}>
            {STATES[delivery.state]}
          </State>
          {delivery.last_error && <div className="small">{delivery.last_error}</div>}
        </dd>
        <dt>{TEXTS.to}</dt>
        <dd>
          {endpoint ? (
            <Link to="/manage/webhooks/$id" params={{ id: endpoint.id }}>
              {endpoint.url}
            </Link>
          ) : (
            <span className="quiet">{endpoints.data ? TEXTS.gone : "…"}</span>
          )}
        </dd>
        <dt>{TEXTS.id}</dt>
        <dd className="mono">msg_{delivery.event_id.replaceAll("-", "")}</dd>
        <dt>{TEXTS.attempts}</dt>
        <dd>
          {count(attemptsOf(delivery))}
          {delivery.waits > 0 ? `, put off ${delivery.waits === 1 ? "once" : `${count(delivery.waits)} times`}` : ""}
        </dd>
        {delivery.next_at && (
          <>
            <dt>{TEXTS.next}</dt>
            <dd>
              <Age at={delivery.next_at} />
              {delivery.circuit_until && <div className="small">{TEXTS.circuit}</div>}
            </dd>
          </>
        )}
        <dt>{TEXTS.made}</dt>
        <dd>{moment(delivery.created_at)}</dd>
        <dt>{TEXTS.ended}</dt>
        <dd>{moment(delivery.ended_at)}</dd>
        {delivery.replay_of && (
          <>
            <dt>{TEXTS.ofReplay}</dt>
            <dd>
              <Link to="/manage/webhooks/deliveries/$id" params={{ id: delivery.replay_of }}>
                {TEXTS.earlier}
              </Link>
            </dd>
          </>
        )}
      </dl>
    </Box>
  );
}

function Answered({ exchange }: { exchange: Exchange }) {
  const { outcome, status, error } = exchange;
  return (
    <li data-tone={TONES[outcome] ?? "none"}>
      <State name={outcome} tone={TONES[outcome] ?? "none"}>
        {STATES[outcome] ?? outcome}
      </State>
      {status !== null && <strong> {status}</strong>}
      <span className="quiet small">
        {" "}
        {moment(exchange.at)}, took {duration(exchange.took_ms / 1000)}
      </span>
      {error && <div className="small">{error}</div>}
      <details>
        <summary className="small">{TEXTS.sentHeaders}</summary>
        <Payload text={headers(exchange.request_headers)} />
      </details>
      {status !== null && (
        <>
          <details>
            <summary className="small">{TEXTS.gotHeaders}</summary>
            <Payload text={headers(exchange.response_headers)} />
          </details>
          {exchange.response_body ? (
            <details open>
              <summary className="small">{TEXTS.gotBody}</summary>
              <Payload text={exchange.response_body} />
            </details>
          ) : (
            <div className="quiet small">{TEXTS.gotNothing}</div>
          )}
        </>
      )}
    </li>
  );
}

function headers(of: Record<string, unknown>): string {
  return Object.entries(of)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("\n");
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Box className="panel panel-pad" component="section" aria-label={title}>
      <Title order={2} size="h5" mb={6}>
        {title}
      </Title>
      {children}
    </Box>
  );
}

function Payload({ text }: { text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls has to be reachable by keys
    <pre className="payload mono" tabIndex={0}>
      {text}
    </pre>
  );
}
