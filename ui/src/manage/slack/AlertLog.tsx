// What was told: each alert with its channel, its event, and what came of it.

import { Age } from "../../parts/Age.tsx";
import { LIVE_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty } from "../../parts/Screen.tsx";
import { State, type Tone } from "../../parts/State.tsx";
import { ALERTS, type Alert, alerts } from "./calls.ts";
import { Part } from "./Part.tsx";
import { STATES, TEXTS } from "./texts.ts";

const TONES: Record<string, Tone> = { waiting: "calm", sent: "good", failed: "bad" };

const COLUMNS: Column<Alert>[] = [
  { head: TEXTS.event, cell: (alert) => <span className="mono">{alert.type}</span> },
  { head: TEXTS.channel, cell: (alert) => <span className="mono">{alert.channel}</span> },
  {
    head: TEXTS.state,
    isWide: true,
    cell: (alert) => (
      <>
        <State name={alert.state} tone={TONES[alert.state] ?? "none"}>
          {STATES[alert.state]}
        </State>
        {alert.error && <div className="small">{alert.error}</div>}
      </>
    ),
  },
  { head: TEXTS.asked, cell: (alert) => <Age at={alert.created_at} /> },
  { head: TEXTS.told, cell: (alert) => (alert.state === "sent" ? <Age at={alert.ended_at} /> : "–") },
];

export function AlertLog() {
  const pages = usePages<Alert>(ALERTS, alerts, LIVE_MS);
  return (
    <Part title={TEXTS.alerts}>
      <Body query={pages.query} rows={3}>
        {() =>
          pages.rows?.length ? (
            <Rows
              label={TEXTS.alerts}
              columns={COLUMNS}
              rows={pages.rows}
              rowKey={(alert) => alert.id}
              onMore={pages.onMore}
              isLoadingMore={pages.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.alertsEmpty}>{TEXTS.alertsEmptyNote}</Empty>
          )
        }
      </Body>
    </Part>
  );
}
