// Every mail that came: what became of it, why one was held back, and the way to let it in.

import { Anchor, Button, Group, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { useFilters } from "../../parts/filters.ts";
import { count, size } from "../../parts/format.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { State, type Tone } from "../../parts/State.tsx";
import { type Mail, mails, recover, recoverSender } from "./calls.ts";
import { STATES, TEXTS } from "./texts.ts";

const KEY = ["mail"];
const TONES: Record<string, Tone> = { waiting: "calm", taken: "good", suspended: "warn", unreadable: "bad" };
const WAIT_MS = 500;

export function Inbound() {
  const [filters, change] = useFilters();
  const [sender, setSender] = useState(filters.sender ?? "");
  const [typed] = useDebouncedValue(sender, WAIT_MS);
  const wanted = typed.includes("@") ? typed : "";
  useEffect(() => {
    if (wanted !== (filters.sender ?? "")) change({ sender: wanted });
  });
  const names = ["state", "mailbox_id", "sender"];
  const query = Object.fromEntries(names.flatMap((name) => (filters[name] ? [[name, filters[name]]] : [])));
  const pages = usePages<Mail>([...KEY, query], (cursor, signal) => mails(query, cursor, signal), CALM_MS);
  const one = useAct({ run: (mail: Mail) => recover(mail.id), changes: [KEY], done: () => TEXTS.recovered });
  const all = useAct({
    run: (of: string) => recoverSender(of),
    changes: [KEY],
    done: ({ recovered }) => `${count(recovered)} are being taken in`,
  });
  const columns: Column<Mail>[] = [
    { head: "Came", cell: (mail) => <Age at={mail.received_at} /> },
    { head: "Of", isWide: true, cell: (mail) => mail.sender ?? "–" },
    {
      head: "State",
      isWide: true,
      cell: (mail) => (
        <>
          <State name={mail.state} tone={TONES[mail.state] ?? "none"}>
            {STATES[mail.state] ?? mail.state}
          </State>
          {[mail.reason, mail.machine, ...mail.remarks].filter(Boolean).map((line) => (
            <Text key={line} size="xs" className="quiet">
              {line}
            </Text>
          ))}
        </>
      ),
    },
    {
      head: "Ticket",
      cell: (mail) =>
        mail.ticket_id ? (
          <Link to="/desk" search={{ ticket: mail.ticket_id } as never}>
            Open
          </Link>
        ) : (
          "–"
        ),
    },
    { head: "Size", isNumber: true, cell: (mail) => size(mail.size_bytes) },
    {
      head: "",
      cell: (mail) => (
        <Group gap={8} wrap="nowrap">
          {(mail.state === "suspended" || mail.state === "unreadable") && mail.has_raw && (
            <Button
              variant="default"
              aria-label={`${TEXTS.recover}: ${mail.sender ?? ""}`}
              onClick={() => one.mutate(mail)}
            >
              {TEXTS.recover}
            </Button>
          )}
          {mail.has_raw && (
            <Anchor size="sm" href={`/api/mail/inbound/${mail.id}/raw`} download="mail.eml">
              {TEXTS.raw}
            </Anchor>
          )}
        </Group>
      ),
    },
  ];
  const held = pages.rows?.some((mail) => mail.state === "suspended");
  return (
    <Screen title={TEXTS.inbound} note={TEXTS.inboundNote} queries={[pages.query]}>
      <div className="filters">
        <Select
          label="State"
          placeholder="Every state"
          clearable
          data={Object.entries(STATES).map(([value, label]) => ({ value, label }))}
          value={filters.state ?? null}
          onChange={(value) => change({ state: value })}
        />
        <TextInput
          label="Sender"
          type="email"
          value={sender}
          onChange={(event) => setSender(event.currentTarget.value)}
        />
        {filters.sender && held && (
          <Button variant="default" loading={all.isPending} onClick={() => all.mutate(filters.sender ?? "")}>
            {TEXTS.recoverAll}
          </Button>
        )}
        {filters.mailbox_id && (
          <Button variant="default" onClick={() => change({ mailbox_id: null })}>
            One mailbox only – show all
          </Button>
        )}
      </div>
      <Body query={pages.query}>
        {() =>
          pages.rows?.length ? (
            <Rows
              label={TEXTS.inbound}
              columns={columns}
              rows={pages.rows}
              rowKey={(mail) => mail.id}
              onMore={pages.onMore}
              isLoadingMore={pages.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.inboundEmpty}>{TEXTS.inboundEmptyNote}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}
