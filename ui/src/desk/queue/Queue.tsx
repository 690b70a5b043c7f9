// The queue: views, search, rows that stay where they are, and how many changes wait to be shown.

import { Button, Group, Select, Stack, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import { usePages } from "../../parts/pages.ts";
import { Body, Empty } from "../../parts/Screen.tsx";
import { TEXTS as COMMON } from "../../parts/texts.ts";
import { useKeySettings, useKeys } from "../../shell/keys.ts";
import { sessionQuery } from "../../shell/session.ts";
import { toldAs } from "../calls.ts";
import { LiveState } from "../live/LiveState.tsx";
import { QUEUE, useMe, useNames } from "../queries.ts";
import type { Ticket } from "../shapes.ts";
import { TEXTS } from "../texts.ts";
import { NewTicket } from "../ticket/NewTicket.tsx";
import { useFrozen } from "./frozen.ts";
import { TicketRow } from "./TicketRow.tsx";
import { VIEWS, viewOf } from "./views.ts";

type Props = {
  search: Record<string, string>;
  open: string | undefined;
  onChange: (changes: Record<string, string | null>) => void;
  onOpen: (ticket: string) => void;
};

export function Queue({ search, open, onChange, onOpen }: Props) {
  const view = viewOf(search.view);
  const words = search.q ?? "";
  const session = useQuery(sessionQuery);
  const me = useMe();
  const name = useNames();
  const [isNew, setNew] = useState(false);
  const frame = useRef<HTMLUListElement>(null);
  const key = words ? `q:${words}` : view.id;
  const { query, rows, onMore } = usePages<Ticket>([...QUEUE, key], (cursor, signal) =>
    words
      ? toldAs<Page<Ticket>>(client.GET("/api/tickets/search", { params: { query: { q: words, cursor } }, signal }))
      : toldAs<Page<Ticket>>(
          client.GET("/api/tickets", { params: { query: { ...view.query, cursor } as never }, signal }),
        ),
  );
  const pages = query.data?.pages.length ?? 0;
  const isOfAnother = query.isPlaceholderData;
  const shown = useFrozen(`${key} ${pages}`, isOfAnother ? undefined : rows);

  const links = () => [...(frame.current?.querySelectorAll<HTMLElement>("a[data-ticket]") ?? [])];
  const step = (by: 1 | -1) => () => {
    const all = links();
    const focused = all.findIndex((link) => link === document.activeElement);
    const at = focused >= 0 ? focused : all.findIndex((link) => link.dataset.ticket === open);
    all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
  };
  useKeys({
    next: step(1),
    previous: step(-1),
    apply: shown.apply,
    find: () => document.getElementById("desk-find")?.focus(),
    compose: () => setNew(true),
  });
  const [{ isOn, keymap }] = useKeySettings();

  return (
    <Stack gap={0} h="100%">
      <div className="desk-head">
        <Group justify="space-between" wrap="nowrap" gap="xs">
          <Title order={open ? 2 : 1} size="h5">
            {TEXTS.queue}
          </Title>
          <Group gap="xs" wrap="nowrap">
            <LiveState />
            <Button size="compact-xs" variant="default" onClick={() => setNew(true)}>
              {TEXTS.compose}
            </Button>
          </Group>
        </Group>
        <Group gap={6} wrap="nowrap" mt={6}>
          <Select
            aria-label="View"
            data={VIEWS.filter((each) => !each.isPersonal || session.data?.isKey === false).map((each) => ({
              value: each.id,
              label: each.name,
            }))}
            value={words ? null : view.id}
            placeholder="Found"
            allowDeselect={false}
            checkIconPosition="right"
            onChange={(id) => onChange({ view: id, q: null })}
            style={{ flex: "0 0 132px" }}
          />
          <Search key={words} words={words} onChange={onChange} />
        </Group>
        {shown.changed > 0 && (
          <Button fullWidth mt={6} variant="light" onClick={shown.apply}>
            {shown.changed} changed: show{isOn && keymap.apply ? ` (${keymap.apply})` : ""}
          </Button>
        )}
      </div>
      <div className="desk-scroll">
        <Body query={query} rows={8}>
          {() =>
            shown.rows.length === 0 && !isOfAnother ? (
              <Empty title={TEXTS.noneTitle}>{TEXTS.none[words ? "search" : view.id]}</Empty>
            ) : (
              <>
                <ul className="desk-rows" ref={frame} aria-label={words ? `Found: ${words}` : view.name}>
                  {shown.rows.map(({ row, isGone }) => (
                    <TicketRow
                      key={row.id}
                      ticket={row}
                      isGone={isGone && !words}
                      isOpen={row.id === open}
                      search={search}
                      me={me?.id}
                      name={name}
                    />
                  ))}
                </ul>
                {onMore && (
                  <Button variant="default" fullWidth mt={8} onClick={onMore} loading={query.isFetchingNextPage}>
                    {COMMON.more}
                  </Button>
                )}
              </>
            )
          }
        </Body>
      </div>
      {isNew && <NewTicket onClose={() => setNew(false)} onOpen={onOpen} />}
    </Stack>
  );
}

function Search({ words, onChange }: { words: string; onChange: Props["onChange"] }) {
  const [text, setText] = useState(words);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // A new list was asked for: whoever typed goes on typing.
    if (words && document.activeElement === document.body) input.current?.focus();
  }, [words]);
  return (
    <form
      style={{ flex: 1, minWidth: 0 }}
      onSubmit={(event) => {
        event.preventDefault();
        onChange({ q: text.trim() || null });
      }}
    >
      <TextInput
        ref={input}
        id="desk-find"
        type="search"
        aria-label={TEXTS.search}
        placeholder={TEXTS.search}
        value={text}
        maxLength={400}
        onChange={(event) => {
          setText(event.currentTarget.value);
          if (event.currentTarget.value === "" && words) onChange({ q: null });
        }}
      />
    </form>
  );
}
