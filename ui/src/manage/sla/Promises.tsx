// How promises were kept: all together, day by day, and by department, agent, priority and channel. Every number is a link
// to its tickets.

import { Box, Group as Row, Select, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import { useAgentNames } from "../../parts/agents.ts";
import { useFilters } from "../../parts/filters.ts";
import { count, duration, percent, words } from "../../parts/format.ts";
import { CALM_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { BacklogChart } from "./BacklogChart.tsx";
import { type ClockKind, type Dashboard, type Group, KINDS } from "./shapes.ts";
import { TrendChart } from "./TrendChart.tsx";
import { BY, TEXTS } from "./texts.ts";

const SPANS = [
  { value: "7", label: "The last 7" },
  { value: "30", label: "The last 30" },
  { value: "90", label: "The last 90" },
  { value: "365", label: "The last 365" },
];

export function Promises() {
  const [filters, change] = useFilters();
  const days = filters.days ?? "30";
  const kind = (filters.kind ?? "first_response") as ClockKind;
  const report = useQuery({
    queryKey: ["sla", "dashboard", days],
    queryFn: ({ signal }) =>
      answerAs<Dashboard>(
        client.GET("/api/sla/dashboard", { params: { query: { from: firstDay(Number(days)) } }, signal }),
      ),
    refetchInterval: CALM_MS,
  });
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[report]}>
      <div className="filters">
        <Select
          label={TEXTS.days}
          data={SPANS}
          value={days}
          allowDeselect={false}
          onChange={(value) => change({ days: value === "30" ? null : value })}
        />
        <Select
          label={TEXTS.what}
          data={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
          value={kind}
          allowDeselect={false}
          onChange={(value) => change({ kind: value === "first_response" ? null : value })}
        />
      </div>
      <Body query={report}>{(known) => <Report report={known} kind={kind} />}</Body>
    </Screen>
  );
}

/** So many days, today among them; the server counts in the shop's zone and takes a day more without harm. */
function firstDay(days: number): string {
  return new Date(Date.now() - (days - 1) * 86_400_000).toISOString().slice(0, 10);
}

function Report({ report, kind }: { report: Dashboard; kind: ClockKind }) {
  const groups = report.groups.filter((group) => group.kind === kind);
  const all = groups.find((group) => group.by === "all");
  return (
    <>
      <div className="tiles">
        {all && (
          <>
            <Tile rows={all.rows} figure={percent(all.compliance)} name={TEXTS.kept} />
            <Tile
              rows={{ ...all.rows, verdict: "missed" }}
              figure={count(all.missed)}
              name={`of ${count(all.ended)} came too late`}
            />
            <Tile rows={all.rows} figure={duration(all.calendar_median_secs)} name={TEXTS.median} />
            <Tile rows={all.rows} figure={duration(all.calendar_p90_secs)} name={TEXTS.p90} />
          </>
        )}
        <Tile
          rows={{ list: "breaches", state: "running" }}
          figure={count(report.breached_now.count)}
          name={TEXTS.late}
        />
      </div>
      {all ? (
        <>
          <div className="halves">
            <Box className="panel panel-pad" component="section" aria-label={TEXTS.trend}>
              <Title order={2} size="h5" mb="xs">
                {TEXTS.trend}: {KINDS[kind]}
              </Title>
              <TrendChart days={groups.filter((group) => group.by === "day")} />
            </Box>
            <Box className="panel panel-pad" component="section" aria-label={TEXTS.backlog}>
              <Title order={2} size="h5" mb="xs">
                {TEXTS.backlog}
              </Title>
              <BacklogChart days={report.backlog} />
            </Box>
          </div>
          <div className="halves">
            {Object.keys(BY).map((by) => (
              <Cut key={by} by={by} groups={groups.filter((group) => group.by === by)} />
            ))}
          </div>
        </>
      ) : (
        <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
      )}
    </>
  );
}

function Cut({ by, groups }: { by: string; groups: Group[] }) {
  const names = useAgentNames();
  if (groups.length === 0) return null;
  const name = (group: Group) => {
    if (group.key === null || group.key === "none") return by === "agent" ? "Nobody" : "None";
    return by === "agent" ? names(group.key) : words(group.key);
  };
  const columns: Column<Group>[] = [
    { head: BY[by] ?? by, isWide: true, cell: name },
    {
      head: "In time",
      isNumber: true,
      cell: (group) => <ToClocks rows={group.rows}>{percent(group.compliance)}</ToClocks>,
    },
    {
      head: "Too late",
      isNumber: true,
      cell: (group) => <ToClocks rows={{ ...group.rows, verdict: "missed" }}>{count(group.missed)}</ToClocks>,
    },
    {
      head: "All",
      isNumber: true,
      cell: (group) => <ToClocks rows={group.rows}>{count(group.ended)}</ToClocks>,
    },
    { head: "Half within", isNumber: true, cell: (group) => duration(group.calendar_median_secs) },
  ];
  const sorted = [...groups].sort((a, b) => b.ended - a.ended);
  return <Rows label={BY[by] ?? by} columns={columns} rows={sorted} rowKey={(group) => group.key ?? "none"} />;
}

function ToClocks({ rows, children }: { rows: Record<string, string>; children: React.ReactNode }) {
  return (
    <Link to="/manage/sla/clocks" search={rows as never}>
      {children}
    </Link>
  );
}

function Tile({ rows, figure, name }: { rows: Record<string, string>; figure: string; name: string }) {
  return (
    <Link to="/manage/sla/clocks" search={rows as never} className="panel tile">
      <span className="tile-figure">{figure}</span>
      <Row>
        <Text span size="sm" className="quiet">
          {name}
        </Text>
      </Row>
    </Link>
  );
}
