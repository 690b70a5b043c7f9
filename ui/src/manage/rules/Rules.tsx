// The rules in the order in which they are looked at, each with its switch.

import { Button, Group, Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { duration, words } from "../../parts/format.ts";
import { CALM_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { orderRules, type Rule, rules, switchRule } from "./calls.ts";
import { ACTIONS, EVENTS, TEXTS } from "./texts.ts";

export const rulesKey = ["rules"];

export function Rules() {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const mayChange = may(session.data, "settings:write");
  const list = useQuery({ queryKey: rulesKey, queryFn: ({ signal }) => rules(signal), refetchInterval: CALM_MS });
  const known = list.data?.items ?? [];
  const flip = useAct({
    run: (rule: Rule) => switchRule(rule.id, !rule.is_on),
    changes: [rulesKey],
    done: (rule) => (rule.is_on ? TEXTS.isOn : TEXTS.isOff),
    undo: (rule) => switchRule(rule.id, rule.is_on),
  });
  const before = known.map((rule) => rule.id);
  const order = useAct({
    run: orderRules,
    changes: [rulesKey],
    done: () => TEXTS.moved,
    undo: () => orderRules(before),
  });
  const move = (place: number, by: number) => {
    const ids = [...before];
    const [moved] = ids.splice(place, 1);
    ids.splice(place + by, 0, moved as string);
    order.mutate(ids);
  };
  const columns: Column<Rule>[] = [
    {
      head: "Rule",
      isWide: true,
      cell: (rule) => (
        <>
          <Link to="/manage/rules/$id" params={{ id: rule.id }}>
            {rule.name}
          </Link>
          <div className="quiet small">
            When {EVENTS[rule.event] ?? rule.event}
            {rule.after_minutes ? `, ${duration(rule.after_minutes * 60)} later` : ""}
          </div>
        </>
      ),
    },
    {
      head: "Does",
      isWide: true,
      cell: (rule) => (
        <span className="small">
          {rule.actions.map((action) => ACTIONS[action.do]?.name ?? words(action.do)).join(", ")}
        </span>
      ),
    },
    {
      head: "Stands",
      isWide: true,
      cell: (rule) => (
        <>
          <Switch
            label={rule.is_on ? TEXTS.on : TEXTS.off}
            aria-label={`${rule.is_on ? TEXTS.switchOff : TEXTS.switchOn}: ${rule.name}`}
            checked={rule.is_on}
            disabled={!mayChange || flip.isPending}
            onChange={() => flip.mutate(rule)}
          />
          {(rule.problem ?? rule.off_reason) && (
            <div className="small">
              <State name="failed">{rule.problem ?? rule.off_reason}</State>
            </div>
          )}
        </>
      ),
    },
    { head: "Changed", cell: (rule) => <Age at={rule.updated_at} /> },
    ...(mayChange && known.length > 1
      ? [
          {
            head: "Order",
            cell: (rule: Rule) => {
              const place = known.indexOf(rule);
              return (
                <Group gap={4} wrap="nowrap">
                  <Button
                    variant="default"
                    px={8}
                    disabled={place === 0 || order.isPending}
                    aria-label={`${TEXTS.up}: ${rule.name}`}
                    onClick={() => move(place, -1)}
                  >
                    ↑
                  </Button>
                  <Button
                    variant="default"
                    px={8}
                    disabled={place === known.length - 1 || order.isPending}
                    aria-label={`${TEXTS.down}: ${rule.name}`}
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
    <Button onClick={() => void navigate({ to: "/manage/rules/$id", params: { id: "new" } })}>{TEXTS.make}</Button>
  );
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list]} actions={make}>
      <Body query={list}>
        {({ items }) =>
          items.length > 0 ? (
            <Rows label={TEXTS.title} columns={columns} rows={items} rowKey={(rule) => rule.id} />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}
