// The tenant's opening hours.

import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { answerAs, client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import { Age } from "../../parts/Age.tsx";
import { count, day } from "../../parts/format.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { weekInWords } from "./hours.ts";
import type { Calendar } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

export const calendarsKey = ["sla", "calendars"];

const COLUMNS: Column<Calendar>[] = [
  {
    head: "Name",
    isWide: true,
    cell: (calendar) => (
      <>
        <Link to="/manage/calendars/$id" params={{ id: calendar.id }}>
          {calendar.name}
        </Link>
        {calendar.is_default && <span className="quiet small"> – the shop’s own</span>}
      </>
    ),
  },
  { head: "Open", isWide: true, cell: (calendar) => weekInWords(calendar.week) },
  { head: "Zone", cell: (calendar) => calendar.zone.replaceAll("_", " ") },
  { head: "Other days", isNumber: true, cell: (calendar) => count(calendar.holidays.length) },
  { head: "Next of them", cell: (calendar) => <span className="nowrap">{next(calendar)}</span> },
  { head: "Changed", cell: (calendar) => <Age at={calendar.updated_at} /> },
];

function next(calendar: Calendar): string {
  const today = new Date().toISOString().slice(0, 10);
  const [first] = calendar.holidays.filter((each) => each.date >= today).sort((a, b) => a.date.localeCompare(b.date));
  return first ? day(first.date) : "–";
}

export function Calendars() {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const list = useQuery({
    queryKey: calendarsKey,
    queryFn: ({ signal }) => answerAs<Page<Calendar>>(client.GET("/api/sla/calendars", { signal })),
  });
  const make = may(session.data, "sla:write") && (
    <Button onClick={() => void navigate({ to: "/manage/calendars/$id", params: { id: "new" } })}>{TEXTS.make}</Button>
  );
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list]} actions={make}>
      <Body query={list}>
        {(known) =>
          known.items.length > 0 ? (
            <Rows label={TEXTS.title} columns={COLUMNS} rows={known.items} rowKey={(calendar) => calendar.id} />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}
