// The shop's macros to choose from, by name: words narrow the list, arrow keys go through it, Enter takes one.

import { Button, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { type Macro, macros, macrosKey } from "../../manage/macros/calls.ts";
import { count } from "../../parts/format.ts";
import { usePages } from "../../parts/pages.ts";
import { Body, Empty } from "../../parts/Screen.tsx";
import { TEXTS as COMMON } from "../../parts/texts.ts";
import { may, sessionQuery } from "../../shell/session.ts";
import { TEXTS } from "./texts.ts";

const WAIT_MS = 200;
const PAGE = 20;
/** So that what is called as it was searched for is among the first, whatever else has the words. */
const FOUND_PAGE = 100;

type Props = { words: string; onWords: (words: string) => void; onPick: (macro: Macro) => void };

export function MacroList({ words, onWords, onPick }: Props) {
  const session = useQuery(sessionQuery);
  const [asked] = useDebouncedValue(words.trim(), WAIT_MS);
  const list = usePages<Macro>([...macrosKey, "to use", asked], (cursor, signal) =>
    asked ? macros({ q: asked }, cursor, signal, FOUND_PAGE) : macros({}, cursor, signal, PAGE),
  );
  const rows = list.rows ?? [];
  const [at, setAt] = useState(0);
  const [isTaken, setTaken] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const place = Math.min(at, rows.length - 1);
  const optionId = (which: number) => `${id}-${which}`;
  // What the list shows is what the words in the field ask for.
  const isOfThese = words.trim() === asked && list.query.data !== undefined && !list.query.isPlaceholderData;

  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    document.getElementById(`${id}-${place}`)?.scrollIntoView({ block: "nearest" });
  }, [id, place]);
  // Enter before the answer was there takes the first of what was asked for, not of what was shown.
  useEffect(() => {
    if (!isTaken || !isOfThese) return;
    setTaken(false);
    const first = rows[place];
    if (first) onPick(first);
  }, [isTaken, isOfThese, rows, place, onPick]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") {
      if (place === rows.length - 1) list.onMore?.();
      setAt(Math.max(Math.min(place + 1, rows.length - 1), 0));
    } else if (event.key === "ArrowUp") setAt(Math.max(place - 1, 0));
    else if (event.key === "Enter") setTaken(true);
    else return;
    event.preventDefault();
  };

  return (
    <Stack gap="xs">
      <TextInput
        ref={field}
        data-autofocus
        type="search"
        label={TEXTS.search}
        description={TEXTS.searchHint}
        role="combobox"
        aria-expanded={rows.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={rows.length > 0 ? optionId(place) : undefined}
        autoComplete="off"
        maxLength={200}
        value={words}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setAt(0);
          setTaken(false);
          onWords(event.currentTarget.value);
        }}
      />
      <Body query={list.query} rows={4}>
        {() =>
          rows.length > 0 ? (
            <>
              <div id={`${id}-list`} role="listbox" aria-label="Macros" tabIndex={-1} className="desk-macros">
                {rows.map((macro, which) => (
                  <Option
                    key={macro.id}
                    id={optionId(which)}
                    macro={macro}
                    isChosen={which === place}
                    onPick={() => onPick(macro)}
                  />
                ))}
              </div>
              {list.onMore && (
                <Button variant="default" onClick={list.onMore} loading={list.query.isFetchingNextPage}>
                  {COMMON.more}
                </Button>
              )}
            </>
          ) : asked ? (
            <Empty title={TEXTS.notFound}>{TEXTS.notFoundNote}</Empty>
          ) : (
            <Empty title={TEXTS.none}>
              {TEXTS.noneNote}{" "}
              {may(session.data, "settings:write") && (
                <Link to="/manage/macros/$id" params={{ id: "new" }}>
                  {TEXTS.make}
                </Link>
              )}
            </Empty>
          )
        }
      </Body>
      <Text size="xs" className="quiet" role="status">
        {isOfThese
          ? `${count(rows.length)} ${rows.length === 1 ? "macro" : "macros"}${list.onMore ? " so far" : ""}`
          : ""}
      </Text>
    </Stack>
  );
}

type OptionProps = { id: string; macro: Macro; isChosen: boolean; onPick: () => void };

function Option({ id, macro, isChosen, onPick }: OptionProps) {
  return (
    // The keys are those of the field above, which keeps the focus.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    <div
      id={id}
      role="option"
      aria-selected={isChosen}
      tabIndex={-1}
      className="desk-macro"
      onMouseDown={(event) => event.preventDefault()}
      onClick={onPick}
    >
      <span className="desk-row-line">
        <strong dir="auto">{macro.name}</strong>
        <span className="quiet small nowrap">
          {[macro.folder, macro.uses > 0 ? `used ${count(macro.uses)} ×` : null].filter(Boolean).join(" · ")}
        </span>
      </span>
      <span className="quiet small desk-macro-text" dir="auto">
        {macro.texts[macro.default_language]?.slice(0, 160)}
      </span>
    </div>
  );
}
