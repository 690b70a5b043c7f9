// The rules: which events, which channel, when. Each with its switch and a test message.

import { Button, Group, Switch } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty } from "../../parts/Screen.tsx";
import { Listens } from "../events/EventPicker.tsx";
import { ALERTS, changeRule, RULES, type Rule, removeRule, SLACK, tryRule, type Workspace } from "./calls.ts";
import { timesInWords } from "./hours.ts";
import { Part } from "./Part.tsx";
import { RuleDialog } from "./RuleDialog.tsx";
import { TEXTS } from "./texts.ts";

type Props = { rules: UseQueryResult<{ items: Rule[] }>; workspaces: Workspace[]; mayChange: boolean };

export function RuleList({ rules, workspaces, mayChange }: Props) {
  const [edited, setEdited] = useState<Rule | "new" | null>(null);
  const [ending, setEnding] = useState<Rule | null>(null);
  const connected = workspaces.filter((workspace) => workspace.state === "connected");
  const flip = useAct({
    run: (rule: Rule) => changeRule(rule.id, { is_on: !rule.is_on }),
    changes: [RULES],
    done: (rule) => (rule.is_on ? TEXTS.switchedOn : TEXTS.switchedOff),
    undo: (rule) => changeRule(rule.id, { is_on: rule.is_on }),
  });
  const test = useAct({
    run: (rule: Rule) => tryRule(rule.id),
    changes: [ALERTS],
    done: () => TEXTS.tested,
  });
  const end = useAct({
    run: (rule: Rule) => removeRule(rule.id),
    changes: [SLACK],
    done: () => TEXTS.removed,
    isShownElsewhere: true,
    onDone: () => setEnding(null),
  });
  const nameOf = (id: string) => {
    const found = workspaces.find((workspace) => workspace.id === id);
    return found ? found.team_name || found.team_id : TEXTS.goneWorkspace;
  };
  const isConnected = (rule: Rule) => connected.some((workspace) => workspace.id === rule.workspace_id);
  const columns: Column<Rule>[] = [
    {
      head: TEXTS.channel,
      cell: (rule) => (
        <>
          <span className="mono">{rule.channel}</span>
          <div className="quiet small">{nameOf(rule.workspace_id)}</div>
        </>
      ),
    },
    { head: TEXTS.tells, isWide: true, cell: (rule) => <Listens events={rule.events} /> },
    {
      head: TEXTS.when,
      isWide: true,
      cell: (rule) => timesInWords(rule).map((line) => <div key={line}>{line}</div>),
    },
    {
      head: TEXTS.stands,
      cell: (rule) => (
        <Switch
          label={rule.is_on ? TEXTS.on : TEXTS.off}
          aria-label={`${rule.is_on ? TEXTS.on : TEXTS.off}: ${rule.channel}`}
          checked={rule.is_on}
          disabled={!mayChange || flip.isPending}
          onChange={() => flip.mutate(rule)}
        />
      ),
    },
    ...(mayChange
      ? [
          {
            head: "",
            cell: (rule: Rule) => (
              <Group gap={4} wrap="nowrap">
                <Button
                  variant="default"
                  aria-label={`${TEXTS.test}: ${rule.channel}`}
                  disabled={!isConnected(rule)}
                  onClick={() => test.mutate(rule)}
                >
                  {TEXTS.test}
                </Button>
                <Button
                  variant="default"
                  aria-label={`${TEXTS.change}: ${rule.channel}`}
                  onClick={() => setEdited(rule)}
                >
                  {TEXTS.change}
                </Button>
                <Button
                  variant="default"
                  aria-label={`${TEXTS.remove}: ${rule.channel}`}
                  onClick={() => setEnding(rule)}
                >
                  {TEXTS.remove}
                </Button>
              </Group>
            ),
          },
        ]
      : []),
  ];
  const make = mayChange && connected.length > 0 && (
    <Button variant="default" onClick={() => setEdited("new")}>
      {TEXTS.make}
    </Button>
  );
  return (
    <Part title={TEXTS.rules} action={make}>
      <Body query={rules} rows={3}>
        {({ items }) =>
          items.length > 0 ? (
            <Rows label={TEXTS.rules} columns={columns} rows={items} rowKey={(rule) => rule.id} />
          ) : (
            <Empty title={TEXTS.rulesEmpty}>
              {TEXTS.rulesEmptyNote} {connected.length === 0 && TEXTS.needsWorkspace}
            </Empty>
          )
        }
      </Body>
      {edited && (
        <RuleDialog known={edited === "new" ? null : edited} workspaces={connected} onClose={() => setEdited(null)} />
      )}
      {ending && (
        <Confirm
          title={`${TEXTS.remove}: ${ending.channel}`}
          what={TEXTS.removeWhat}
          verb={TEXTS.remove}
          isDestructive
          needsReason={false}
          error={end.error}
          isBusy={end.isPending}
          onClose={() => setEnding(null)}
          onConfirm={() => end.mutate(ending)}
        />
      )}
    </Part>
  );
}
