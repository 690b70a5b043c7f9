// Customers of the published run, by risk, worth or kind.

import { NumberInput, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import type { Archetype, CustomerLine, Page, Summary } from "../../api/shapes.ts";
import { useFilters } from "../../parts/filters.ts";
import { count, day, money, percent } from "../../parts/format.ts";
import { usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { BAND_WORDS, BANDS } from "../bands.ts";
import { FindCustomer } from "./FindCustomer.tsx";
import { SORTS, TEXTS } from "./texts.ts";

export function Customers() {
  const [filters, change] = useFilters();
  const query = {
    archetype: filters.archetype,
    churn_band: filters.churn_band,
    min_ltv: filters.min_ltv ? Number(filters.min_ltv) : undefined,
    sort: filters.sort ?? "churn",
  };
  const list = usePages<CustomerLine>(["customers", query], (cursor, signal) =>
    answerAs<Page<CustomerLine>>(
      client.GET("/api/intelligence/customers", {
        params: { query: { ...query, cursor, limit: 50 } as never },
        signal,
      }),
    ),
  );
  const summary = useQuery({
    queryKey: ["summary"],
    queryFn: ({ signal }) => answerAs<Summary>(client.GET("/api/intelligence/summary", { signal })),
    staleTime: 60_000,
  });
  const kinds = useQuery({
    queryKey: ["archetypes"],
    queryFn: ({ signal }) => answerAs<Page<Archetype>>(client.GET("/api/intelligence/archetypes", { signal })),
    staleTime: 300_000,
  });
  const currency = summary.data?.ltv?.currency;
  const columns: Column<CustomerLine>[] = [
    {
      head: "Customer",
      cell: (customer) => (
        <Link to="/manage/customers/$id" params={{ id: customer.customer_id }}>
          {customer.customer_id}
        </Link>
      ),
    },
    {
      head: "Kind",
      isWide: true,
      cell: (customer) =>
        customer.archetype ? (
          <Link to="/manage/customers" search={{ archetype: customer.archetype.id }}>
            {customer.archetype.name}
          </Link>
        ) : (
          <span className="quiet">not known yet</span>
        ),
    },
    {
      head: "Risk to leave",
      cell: (customer) =>
        customer.churn_band ? (
          <State name={customer.churn_band}>{BAND_WORDS[customer.churn_band] ?? customer.churn_band}</State>
        ) : (
          "–"
        ),
    },
    { head: "Probability", isNumber: true, cell: (customer) => percent(customer.churn) },
    { head: "Expected spend", isNumber: true, cell: (customer) => money(customer.ltv, currency) },
    { head: "Orders", isNumber: true, cell: (customer) => count(customer.orders) },
    { head: "Spent so far", isNumber: true, cell: (customer) => money(customer.spend, currency) },
    { head: "Last order", cell: (customer) => <span className="nowrap">{day(customer.last_order_on)}</span> },
  ];
  const options = (kinds.data?.items ?? []).map((kind) => ({ value: kind.id, label: kind.name }));
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]}>
      <div className="filters">
        <FindCustomer />
        <Select
          label="Order"
          data={SORTS}
          value={query.sort}
          allowDeselect={false}
          onChange={(sort) => change({ sort })}
        />
        <Select
          label="Risk to leave"
          placeholder="Any"
          clearable
          data={BANDS.map((band) => ({ value: band, label: BAND_WORDS[band] ?? band }))}
          value={filters.churn_band ?? null}
          onChange={(churn_band) => change({ churn_band })}
        />
        <Select
          label="Kind"
          placeholder="Any"
          clearable
          searchable
          data={options}
          value={options.some((option) => option.value === filters.archetype) ? (filters.archetype ?? null) : null}
          onChange={(archetype) => change({ archetype })}
        />
        <NumberInput
          label="Expected spend from"
          min={0}
          value={filters.min_ltv ? Number(filters.min_ltv) : ""}
          onChange={(value) => change({ min_ltv: value === "" ? null : String(value) })}
        />
      </div>
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={columns}
              rows={list.rows}
              rowKey={(customer) => customer.customer_id}
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
