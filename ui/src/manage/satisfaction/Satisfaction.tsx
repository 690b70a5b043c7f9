// How satisfied customers are, and how quickly they were helped: all together, then by day, agent, department or channel.

import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answerAs, client } from "../../api/client.ts";
import { useAgentNames } from "../../parts/agents.ts";
import { useFilters } from "../../parts/filters.ts";
import { count, day, duration, percent, words } from "../../parts/format.ts";
import { CALM_MS } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { BY, TEXTS } from "./texts.ts";

type Group = {
  group: string | null;
  resolved: number;
  answers: number;
  satisfied: number;
  csat: number | null;
  response_rate: number | null;
  scores: number[];
  one_touch_rate: number | null;
  first_reply_minutes_median: number | null;
  resolution_minutes_median: number | null;
};
type Report = { groups: Group[] };

export function Satisfaction() {
  const [filters, change] = useFilters();
  const names = useAgentNames();
  const days = filters.days ?? "30";
  const by = filters.by ?? "agent";
  const report = useQuery({
    queryKey: ["satisfaction", days, by],
    queryFn: async ({ signal }) => {
      const from = new Date(Date.now() - Number(days) * 86_400_000).toISOString();
      const ask = (grouping: string) =>
        answerAs<Report>(
          client.GET("/api/reports/satisfaction", { params: { query: { from, by: grouping } }, signal }),
        );
      const [all, parts] = await Promise.all([ask("all"), ask(by)]);
      return { all: all.groups[0], parts: parts.groups };
    },
    refetchInterval: CALM_MS,
  });
  const name = (group: Group) => {
    if (group.group === null) return by === "agent" ? "Nobody" : TEXTS.none;
    if (by === "agent") return names(group.group);
    return by === "day" ? day(group.group) : words(group.group);
  };
  const columns: Column<Group>[] = [
    {
      head: (BY[by] ?? by).replace("By ", "").replace(/^./, (letter) => letter.toUpperCase()),
      isWide: true,
      cell: name,
    },
    { head: "Resolved", isNumber: true, cell: (group) => count(group.resolved) },
    { head: "Answers", isNumber: true, cell: (group) => count(group.answers) },
    { head: "Satisfied", isNumber: true, cell: (group) => percent(group.csat) },
    { head: "5 4 3 2 1", isNumber: true, cell: (group) => [...group.scores].reverse().join(" ") },
    { head: "One reply", isNumber: true, cell: (group) => percent(group.one_touch_rate) },
    { head: "First reply", isNumber: true, cell: (group) => minutes(group.first_reply_minutes_median) },
    { head: "Solution", isNumber: true, cell: (group) => minutes(group.resolution_minutes_median) },
  ];
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[report]}>
      <div className="filters">
        <Select
          label="Days"
          allowDeselect={false}
          data={["7", "30", "90", "365"].map((value) => ({ value, label: `The last ${value}` }))}
          value={days}
          onChange={(value) => change({ days: value === "30" ? null : value })}
        />
        <Select
          label="Put together"
          allowDeselect={false}
          data={Object.entries(BY).map(([value, label]) => ({ value, label }))}
          value={by}
          onChange={(value) => change({ by: value === "agent" ? null : value })}
        />
      </div>
      <Body query={report}>
        {({ all, parts }) =>
          all && all.resolved > 0 ? (
            <>
              <div className="tiles">
                <Figure figure={percent(all.csat)} name={`satisfied, of ${count(all.answers)} who answered`} />
                <Figure
                  figure={percent(all.response_rate)}
                  name={`of ${count(all.resolved)} resolved tickets were rated`}
                />
                <Figure
                  figure={minutes(all.first_reply_minutes_median)}
                  name="until the first reply, for half of them at most"
                />
                <Figure
                  figure={minutes(all.resolution_minutes_median)}
                  name="until the solution, for half of them at most"
                />
                <Figure figure={percent(all.one_touch_rate)} name="needed one reply only" />
              </div>
              <Rows label={BY[by] ?? by} columns={columns} rows={parts} rowKey={(group) => group.group ?? "none"} />
            </>
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}

function minutes(value: number | null): string {
  return value === null ? "–" : duration(value * 60);
}

function Figure({ figure, name }: { figure: string; name: string }) {
  return (
    <div className="panel tile">
      <span className="tile-figure">{figure}</span>
      <br />
      <span className="quiet small">{name}</span>
    </div>
  );
}
