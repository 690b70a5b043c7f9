// One customer: who they are, whether they will leave and why, what they may spend, how they behave on each axis.

import { Box, Button, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Axis, Customer as Known, Page, Reason } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { count, day, money, percent, words } from "../../parts/format.ts";
import { usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Loading, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { BAND_WORDS } from "../bands.ts";
import { divides, spanOf } from "./known.ts";
import { TEXTS } from "./texts.ts";

type Purchase = {
  order_id: string;
  ordered_at: string;
  amount: string;
  currency: string;
  units: string;
  is_return: boolean;
  products: string[];
};
type Similar = {
  available: boolean;
  reason?: string;
  items: { customer_id: string; similarity: number; churn_band: string | null }[];
};

export function Customer() {
  const { id } = useParams({ strict: false }) as { id: string };
  const path = { params: { path: { id } } };
  const session = useQuery(sessionQuery);
  const person = useQuery({
    queryKey: ["customer", id, "person"],
    queryFn: ({ signal }) => answer(client.GET("/api/customers/{id}", { ...path, signal })),
    enabled: may(session.data, "customers:read"),
    retry: false,
  }).data;
  const customer = useQuery({
    queryKey: ["customer", id],
    queryFn: ({ signal }) => answerAs<Known>(client.GET("/api/intelligence/customers/{id}", { ...path, signal })),
  });
  return (
    <Screen
      title={person?.name ? `Customer ${id}: ${person.name}` : `Customer ${id}`}
      note={
        customer.data?.available ? (
          <>
            {addressOf(id, person?.emails ?? [])}
            {customer.data.who?.replace(/\.$/, "")}. As of {day(customer.data.as_of)}, computed{" "}
            <Age at={customer.data.computed_at} />
            {customer.data.stale ? "; something new has come in since" : ""}.
          </>
        ) : undefined
      }
      queries={[customer]}
    >
      <Body query={customer}>
        {(known) =>
          known.available ? (
            <div className="columns">
              <Stack gap="md">
                <Axes axes={known.axes ?? []} />
                <Purchases id={id} />
              </Stack>
              <Stack gap="md">
                <Risk customer={known} />
                <Worth customer={known} />
                <Orders customer={known} />
                <Alike id={id} />
              </Stack>
            </div>
          ) : (
            <Unknown reason={known.reason} mergedInto={person?.merged_into ?? null} />
          )
        }
      </Body>
    </Screen>
  );
}

/** Their addresses, where the id is none of them. */
function addressOf(id: string, emails: string[]): string {
  const others = emails.filter((email) => email !== id);
  return others.length > 0 ? `${others.join(", ")}. ` : "";
}

function Unknown({ reason, mergedInto }: { reason: string | null; mergedInto: string | null }) {
  if (mergedInto === null) return <Empty title="Nothing is known of this customer yet">{reason}</Empty>;
  return (
    <Empty title={TEXTS.merged}>
      <Link to="/manage/customers/$id" params={{ id: mergedInto }}>
        {mergedInto}
      </Link>
    </Empty>
  );
}

function Panel({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Box className="panel panel-pad" component="section" aria-label={title}>
      <Title order={2} size="h5" mb={6}>
        {title}
      </Title>
      {children}
    </Box>
  );
}

/** How clearly somebody belongs to the segment that is shown. */
const STRENGTHS: Record<string, string> = { strong: "Clearly so", balanced: "Between two", weak: "Faintly so" };

function Axes({ axes }: { axes: Axis[] }) {
  const known = axes.filter((axis) => axis.available);
  const missing = axes.filter((axis) => !axis.available);
  return (
    <Panel title="How they buy">
      {known.map((axis) => (
        <div className="axis-row" key={axis.axis}>
          <div>
            <Text size="sm" fw={600}>
              {words(axis.axis)}
            </Text>
            <Text size="xs" className="quiet">
              {divides(axis) ? (STRENGTHS[axis.strength ?? ""] ?? "") : TEXTS.undivided}
            </Text>
          </div>
          <div>
            <Text size="sm">{axis.phrase ?? axis.segment}</Text>
            {divides(axis) && <Memberships axis={axis} />}
            {axis.phrase && divides(axis) ? (
              <Text size="xs" className="quiet" mt={4}>
                {axis.segment}
              </Text>
            ) : null}
            {axis.description && !axis.phrase && (
              <Text size="xs" className="quiet" mt={4}>
                {axis.description}
              </Text>
            )}
          </div>
        </div>
      ))}
      {missing.length > 0 && (
        <Text size="sm" className="quiet" mt="sm">
          Not known: {missing.map((axis) => words(axis.axis).toLowerCase()).join(", ")} – {missing[0]?.reason}.
        </Text>
      )}
    </Panel>
  );
}

/** How much of each segment the customer has, as one bar: the picture of an axis. */
function Memberships({ axis }: { axis: Axis }) {
  const parts = (axis.memberships ?? []).filter((part) => part.membership >= 0.01);
  const said = parts.map((part) => `${part.segment} ${percent(part.membership)}`).join(", ");
  return (
    <Box role="img" aria-label={said} title={said} className="bar" style={{ display: "flex", gap: 2 }} mt={4}>
      {parts.map((part) => (
        <span
          key={part.segment}
          style={{ width: `${part.membership * 100}%`, opacity: part.segment === axis.segment ? 1 : 0.4 }}
        />
      ))}
    </Box>
  );
}

function Risk({ customer }: { customer: Known }) {
  const churn = customer.churn;
  const ask = useAct({
    run: async () => {
      const job = await answer(
        client.POST("/api/intelligence/score", { body: { customer_ids: [customer.customer_id] } }),
      );
      await answer(client.GET("/api/jobs/{id}", { params: { path: { id: job.job_id }, query: { wait: "15s" } } }));
    },
    changes: [["customer", customer.customer_id]],
  });
  return (
    <Panel title="Will they leave?">
      {!churn?.available ? (
        <Text size="sm">Not known: {churn?.reason ?? "there is no model yet"}.</Text>
      ) : (
        <>
          <Text size="sm">
            <State name={churn.band ?? ""}>
              <strong>{BAND_WORDS[churn.band ?? ""] ?? churn.band}</strong>
            </State>
            : {percent(churn.probability)} that they buy nothing in {churn.horizon_days} days.
          </Text>
          {ask.isPending ? (
            <Loading rows={2} />
          ) : churn.reasons ? (
            churn.reasons.length > 0 ? (
              <ul style={{ margin: "8px 0 0", paddingLeft: 18 }}>
                {churn.reasons.map((reason) => (
                  <li key={JSON.stringify(reason)}>
                    <Text size="sm">{sentence(reason)}</Text>
                  </li>
                ))}
              </ul>
            ) : (
              <Text size="sm">{TEXTS.noReasons}</Text>
            )
          ) : (
            <>
              <Text size="xs" className="quiet" my={6}>
                {TEXTS.whyNote}
              </Text>
              <Button variant="default" onClick={() => ask.mutate(undefined)}>
                {TEXTS.why}
              </Button>
            </>
          )}
          {churn.model && (
            <Text size="xs" mt={6}>
              <Link to="/manage/models/$id" params={{ id: churn.model.id }}>
                By model {churn.model.number}
              </Link>
            </Text>
          )}
        </>
      )}
    </Panel>
  );
}

function sentence(reason: Reason): string {
  if (typeof reason === "string") return reason;
  return reason.sentence ?? reason.text ?? reason.reason ?? words(reason.feature ?? "");
}

function Worth({ customer }: { customer: Known }) {
  const ltv = customer.ltv;
  if (!ltv?.available)
    return <Panel title="What may they spend?">Not known: {ltv?.reason ?? "there is no model yet"}.</Panel>;
  const high = ltv.high ?? ltv.value ?? 0;
  const scale = high > 0 ? 100 / high : 0;
  return (
    <Panel title="What may they spend?">
      <Text size="sm">
        <strong>{money(ltv.value, ltv.currency)}</strong> in {ltv.horizon_days} days{spanOf(ltv)}.
      </Text>
      <svg
        viewBox="0 0 100 6"
        className="chart"
        width="100%"
        height={12}
        preserveAspectRatio="none"
        aria-hidden="true"
        style={{ marginTop: 8 }}
      >
        <rect x={0} y={0} width={100} height={6} fill="var(--bar-soft)" />
        <rect
          x={(ltv.low ?? 0) * scale}
          y={2}
          width={Math.max(0, high - (ltv.low ?? 0)) * scale}
          height={2}
          fill="var(--bar)"
          opacity={0.6}
        />
        <rect x={Math.max(0, (ltv.value ?? 0) * scale - 0.5)} y={0} width={1} height={6} fill="var(--bar)" />
      </svg>
    </Panel>
  );
}

function Orders({ customer }: { customer: Known }) {
  const bought = customer.purchases;
  return (
    <Panel title="So far">
      <dl className="facts">
        <dt>Orders</dt>
        <dd>{count(bought?.orders)}</dd>
        <dt>Spent</dt>
        <dd>{money(bought?.spend, bought?.currency)}</dd>
        <dt>First order</dt>
        <dd>{day(bought?.first_order_on)}</dd>
        <dt>Last order</dt>
        <dd>{day(bought?.last_order_on)}</dd>
        <dt>Kind</dt>
        <dd>
          {customer.archetype?.id ? (
            <Link to="/manage/customers" search={{ archetype: customer.archetype.id }}>
              {customer.archetype.name}
            </Link>
          ) : (
            "–"
          )}
        </dd>
      </dl>
    </Panel>
  );
}

function Alike({ id }: { id: string }) {
  const similar = useQuery({
    queryKey: ["similar", id],
    queryFn: ({ signal }) =>
      answerAs<Similar>(client.GET("/api/intelligence/customers/{id}/similar", { params: { path: { id } }, signal })),
    staleTime: 60_000,
  });
  if (!similar.data?.available || similar.data.items.length === 0) return null;
  return (
    <Panel title="Customers like this one">
      <Box style={{ display: "flex", flexWrap: "wrap", gap: "4px 14px" }}>
        {similar.data.items.slice(0, 10).map((other) => (
          <Link key={other.customer_id} to="/manage/customers/$id" params={{ id: other.customer_id }} className="small">
            {other.customer_id}
          </Link>
        ))}
      </Box>
    </Panel>
  );
}

const COLUMNS: Column<Purchase>[] = [
  { head: "Order", cell: (order) => order.order_id },
  { head: "Day", cell: (order) => <span className="nowrap">{day(order.ordered_at)}</span> },
  {
    head: "Amount",
    isNumber: true,
    cell: (order) => `${order.is_return ? "return " : ""}${money(order.amount, order.currency)}`,
  },
  { head: "Units", isNumber: true, cell: (order) => order.units },
];

function Purchases({ id }: { id: string }) {
  const list = usePages<Purchase>(["purchases", id], (cursor, signal) =>
    answerAs<Page<Purchase>>(
      client.GET("/api/customers/{id}/purchases", { params: { path: { id }, query: { cursor, limit: 10 } }, signal }),
    ),
  );
  return (
    <section aria-label="Orders">
      <Title order={2} size="h5" mb="xs">
        Orders
      </Title>
      <Body query={list.query} rows={3}>
        {() =>
          list.rows?.length ? (
            <Rows
              label="Orders"
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(order) => order.order_id}
              onMore={list.onMore}
              isLoadingMore={list.query.isFetchingNextPage}
            />
          ) : (
            <Empty title="No order" />
          )
        }
      </Body>
    </section>
  );
}
