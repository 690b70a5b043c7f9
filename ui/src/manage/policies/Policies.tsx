// The policies in the order in which they are tried.

import { Button, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { answer, answerAs, client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { words } from "../../parts/format.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { KINDS } from "../sla/shapes.ts";
import { writeMinutes } from "./minutes.ts";
import { forWhom, type Policy, PRIORITIES } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

export const policiesKey = ["sla", "policies"];

export function Policies() {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const mayChange = may(session.data, "sla:write");
  const list = useQuery({
    queryKey: policiesKey,
    queryFn: ({ signal }) => answerAs<Page<Policy>>(client.GET("/api/sla/policies", { signal })),
  });
  const policies = list.data?.items ?? [];
  const order = useAct({
    run: (ids: string[]) => answer(client.POST("/api/sla/policies/order", { body: { policies: ids } })),
    changes: [policiesKey],
    done: () => TEXTS.moved,
    undo: () =>
      answer(client.POST("/api/sla/policies/order", { body: { policies: policies.map((policy) => policy.id) } })),
  });
  const move = (place: number, by: number) => {
    const ids = policies.map((policy) => policy.id);
    const [moved] = ids.splice(place, 1);
    ids.splice(place + by, 0, moved as string);
    order.mutate(ids);
  };
  const columns: Column<Policy>[] = [
    {
      head: "Policy",
      isWide: true,
      cell: (policy) => (
        <>
          <Link to="/manage/policies/$id" params={{ id: policy.id }}>
            {policy.name}
          </Link>
          <div className="quiet small">{forWhom(policy.conditions)}</div>
        </>
      ),
    },
    { head: "Promises", isWide: true, cell: (policy) => <span className="small">{promised(policy)}</span> },
    { head: "Holds since", cell: (policy) => <Age at={policy.valid_from} /> },
    ...(mayChange && policies.length > 1
      ? [
          {
            head: "Order",
            cell: (policy: Policy) => {
              const place = policies.indexOf(policy);
              return (
                <Group gap={4} wrap="nowrap">
                  <Button
                    variant="default"
                    px={8}
                    disabled={place === 0 || order.isPending}
                    aria-label={`${TEXTS.up}: ${policy.name}`}
                    onClick={() => move(place, -1)}
                  >
                    ↑
                  </Button>
                  <Button
                    variant="default"
                    px={8}
                    disabled={place === policies.length - 1 || order.isPending}
                    aria-label={`${TEXTS.down}: ${policy.name}`}
                    onClick={() => move(place, 1)}
                  >
                    ↓
                  </Button>
                </Group>
              );
            },
          },
        ]
      : []),
  ];
  const make = mayChange && (
    <Button onClick={() => void navigate({ to: "/manage/policies/$id", params: { id: "new" } })}>{TEXTS.make}</Button>
  );
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list]} actions={make}>
      <Body query={list}>
        {(known) =>
          known.items.length > 0 ? (
            <Rows label={TEXTS.title} columns={columns} rows={known.items} rowKey={(policy) => policy.id} />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}

/** The strictest line of a policy in words. */
function promised(policy: Policy): string {
  const first = PRIORITIES.find((priority) => policy.targets[priority]);
  if (!first) return "–";
  const goals = policy.targets[first] ?? {};
  const parts = (Object.keys(KINDS) as (keyof typeof KINDS)[]).flatMap((kind) => {
    const goal = goals[kind];
    if (!goal) return [];
    return [
      `${KINDS[kind].toLowerCase()} within ${writeMinutes(goal.minutes)}${goal.time === "business" ? " of opening hours" : ""}`,
    ];
  });
  const others = PRIORITIES.filter((priority) => priority !== first && policy.targets[priority]).length;
  return `${words(first)}: ${parts.join(", ")}${others > 0 ? `; and ${others} more ${others === 1 ? "priority" : "priorities"}` : ""}`;
}
