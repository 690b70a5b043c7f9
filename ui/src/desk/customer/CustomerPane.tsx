// Who the customer is: clocks of this ticket, what to do, risk with reasons, worth, behaviour in words, other tickets.

import { Button, Group, Text, Title } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { client } from "../../api/client.ts";
import type { Customer, Page, Reason } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { count, day, duration, money, percent, words } from "../../parts/format.ts";
import { useNow } from "../../parts/now.ts";
import { Body } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { ticketAddress } from "../address.ts";
import { toldAs } from "../calls.ts";
import { clockName, standing } from "../clocks.ts";
import { adviceQuery, clocksQuery, messagesQuery, QUEUE, ticketQuery } from "../queries.ts";
import type { Clock, Opened, Ticket } from "../shapes.ts";
import { TEXTS } from "../texts.ts";

type Props = { id: string; search: Record<string, string>; onBack: () => void };

export function CustomerPane({ id, search, onBack }: Props) {
  const ticket = useQuery(ticketQuery(id));
  return (
    <Body query={ticket}>
      {(opened) => (
        <>
          <div className="desk-head">
            <Group justify="space-between" wrap="nowrap" gap="xs" align="flex-start">
              <div style={{ minWidth: 0 }}>
                <Title order={search.pane === "customer" ? 1 : 2} size="h5" dir="auto">
                  {opened.customer.name || opened.customer.email || opened.customer.id || "Nobody known"}
                </Title>
                <Text size="xs" className="quiet">
                  {[
                    opened.customer.name ? opened.customer.email : null,
                    opened.customer.id && `No. ${opened.customer.id}`,
                  ]
                    .filter(Boolean)
                    .join(" · ")}
                </Text>
              </div>
              <Button variant="default" className="desk-only-narrow" onClick={onBack} style={{ flex: "none" }}>
                {TEXTS.conversation}
              </Button>
            </Group>
          </div>
          <Clocks ticket={opened} />
          <Known customer={opened.intelligence} />
          {!opened.erased_at && <AdvicePart id={id} />}
          <Others ticket={opened} search={search} />
        </>
      )}
    </Body>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="desk-part" aria-label={title}>
      <Title order={3} size="h6" mb={4}>
        {title}
      </Title>
      {children}
    </section>
  );
}

function Clocks({ ticket }: { ticket: Opened }) {
  const now = useNow();
  const [isExplained, setExplained] = useState(false);
  const explained = useQuery({ ...clocksQuery(ticket.id), enabled: isExplained });
  const messages = useInfiniteQuery(messagesQuery(ticket.id));
  const waiting = messages.data?.pages.flatMap((page) => page.items).filter(({ delivery }) => delivery === "queued");
  if (ticket.clocks.length === 0) return null;
  // What is due first stands first; what has ended stands last.
  const place = (clock: Clock) => (clock.ended_at || !clock.due_at ? Number.MAX_VALUE : Date.parse(clock.due_at));
  const clocks = [...ticket.clocks].sort((one, other) => place(one) - place(other));
  return (
    <Part title="Clocks">
      <dl className="desk-clocks">
        {clocks.map((clock) => {
          const told = standing(clock, now, waiting);
          return (
            <div key={`${clock.kind}${clock.seq}`} style={{ display: "contents" }}>
              <dt className="quiet">{clockName(clock.kind)}</dt>
              <dd>
                <State name={told.text} tone={told.tone}>
                  {told.text}
                </State>
              </dd>
            </div>
          );
        })}
      </dl>
      <Button
        size="compact-xs"
        variant="subtle"
        mt={4}
        aria-expanded={isExplained}
        onClick={() => setExplained(!isExplained)}
      >
        {isExplained ? "Less" : "How the time was spent"}
      </Button>
      {isExplained && (
        <Body query={explained} rows={2}>
          {({ clocks }) => (
            <ul className="desk-list">
              {clocks.map((clock) => (
                <li key={`${clock.kind}${clock.seq}`}>
                  {clockName(clock.kind)}: {duration(clock.elapsed_secs)} of{" "}
                  {clock.target_minutes ? duration(clock.target_minutes * 60) : "no target"}
                  {clock.target_time === "business" ? " of opening hours" : ""}
                  {spent(clock.intervals ?? [])}
                </li>
              ))}
            </ul>
          )}
        </Body>
      )}
    </Part>
  );
}

/** The time that did not count, by what it was. */
function spent(intervals: { secs: number; spent: string }[]): string {
  const sums = new Map<string, number>();
  for (const interval of intervals) {
    if (interval.spent !== "counted") sums.set(interval.spent, (sums.get(interval.spent) ?? 0) + interval.secs);
  }
  const parts = [...sums]
    .filter(([, secs]) => secs >= 60)
    .map(([what, secs]) => `${words(what).toLowerCase()} ${duration(secs)}`);
  return parts.length ? `; not counted: ${parts.join(", ")}` : "";
}

function Known({ customer }: { customer: Opened["intelligence"] }) {
  if (!customer?.available) {
    return (
      <Part title="Who they are">
        <Text size="sm">{customer?.reason ? `${words(customer.reason)}.` : TEXTS.stranger}</Text>
      </Part>
    );
  }
  const { churn, ltv, purchases } = customer;
  const axes = customer.axes?.filter((axis) => axis.available) ?? [];
  return (
    <>
      <Part title="Who they are">
        <Text size="sm">{customer.who}</Text>
        {purchases && (
          <Text size="sm" mt={4}>
            {count(purchases.orders)} {purchases.orders === 1 ? "order" : "orders"},{" "}
            {money(purchases.spend, purchases.currency)} in all, from {day(purchases.first_order_on)} to{" "}
            {day(purchases.last_order_on)}
          </Text>
        )}
        <Text size="xs" className="quiet" mt={4} component="div">
          As of {day(customer.as_of)}
          {customer.stale ? "; something new has come in since" : ""}
        </Text>
      </Part>
      {churn?.available && (
        <Part title="May leave">
          <div>
            <span className="desk-fact">{percent(churn.probability)}</span>{" "}
            <span className="small">
              <State name={churn.band ?? "unknown"}>{words(churn.band ?? "unknown")} risk</State>{" "}
              <span className="quiet">within {churn.horizon_days} days</span>
            </span>
          </div>
          <ul className="desk-list">
            {churn.reasons?.map((reason) => (
              <li key={sentence(reason)}>{sentence(reason)}</li>
            ))}
          </ul>
        </Part>
      )}
      {ltv?.available && (
        <Part title="Is worth">
          <span className="desk-fact">{money(ltv.value, ltv.currency)}</span>{" "}
          <span className="quiet small">
            in the next {ltv.horizon_days} days, likely {money(ltv.low, ltv.currency)} to{" "}
            {money(ltv.high, ltv.currency)}
          </span>
        </Part>
      )}
      {axes.length > 0 && <Axes axes={axes} />}
    </>
  );
}

function Axes({ axes }: { axes: NonNullable<Customer["axes"]> }) {
  return (
    <section className="desk-part">
      <details>
        <summary>
          <strong className="small">How they behave</strong> <span className="quiet small">{axes.length} sides</span>
        </summary>
        <Text size="xs" className="quiet" my={4}>
          Compared with the shop’s other customers
        </Text>
        <dl className="desk-axes">
          {axes.map((axis) => (
            <div key={axis.axis}>
              <dt className="quiet">{words(axis.axis)}</dt>
              <dd>{axis.phrase ?? axis.segment ?? plain(axis.description)}</dd>
              {!axis.phrase && axis.segment && axis.description && <dd className="quiet">{plain(axis.description)}</dd>}
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}

/** Without the clause that is said once above. */
function plain(description: string | null | undefined): string {
  const text = (description ?? "").replace(/^Compared with the shop.s other customers: /, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(reason: Reason): string {
  if (typeof reason === "string") return reason;
  return reason.sentence ?? reason.text ?? reason.reason ?? reason.feature ?? "";
}

function AdvicePart({ id }: { id: string }) {
  const query = useQuery(adviceQuery(id));
  return (
    <Part title={TEXTS.advice}>
      <Body query={query} rows={3}>
        {({ advice, isBeingMade }) => (
          <>
            {isBeingMade && (
              <Text size="sm" className="quiet">
                {TEXTS.adviceMaking}
              </Text>
            )}
            {advice && (
              <>
                {advice.stale && (
                  <span className="small">
                    <State name="stale" tone="warn">
                      From before something changed
                    </State>
                  </span>
                )}
                <ul className="desk-list">
                  {advice.actions.map((action) => (
                    <li key={action}>{action}</li>
                  ))}
                </ul>
                {advice.warnings.map((warning) => (
                  <div key={warning} className="small">
                    <State name="warning" tone="bad">
                      Beware
                    </State>{" "}
                    {warning}
                  </div>
                ))}
                <details>
                  <summary className="small">What to know or bring up</summary>
                  <ul className="desk-list">
                    {advice.talking_points.map((point) => (
                      <li key={point}>{point}</li>
                    ))}
                  </ul>
                </details>
                <Text size="xs" className="quiet" component="div">
                  {advice.revenue_at_risk && `${money(advice.revenue_at_risk, advice.currency)} at risk · `}
                  <Age at={advice.created_at} />
                </Text>
              </>
            )}
          </>
        )}
      </Body>
    </Part>
  );
}

function Others({ ticket, search }: { ticket: Opened; search: Record<string, string> }) {
  const { id, email } = ticket.customer;
  const query = useQuery({
    queryKey: [...QUEUE, "of", id ?? email],
    queryFn: ({ signal }) =>
      toldAs<Page<Ticket>>(
        client.GET("/api/tickets", {
          params: {
            query: { order: "newest", limit: 10, ...(id ? { customer_id: id } : { customer_email: email ?? "" }) },
          },
          signal,
        }),
      ),
    enabled: Boolean(id || email),
  });
  const others = query.data?.items.filter((other) => other.id !== ticket.id) ?? [];
  return (
    <Part title="Other tickets">
      {others.length === 0 && (
        <Text size="sm" className="quiet">
          {query.isPending && (id || email) ? "…" : "None."}
        </Text>
      )}
      <ul className="desk-list">
        {others.map((other) => (
          <li key={other.id}>
            <Link to="/desk" search={ticketAddress(search, other.id) as never} className="small">
              #{other.number} {other.subject ?? "(no subject)"}
            </Link>{" "}
            <span className="quiet small">{other.status}</span>
          </li>
        ))}
      </ul>
    </Part>
  );
}
