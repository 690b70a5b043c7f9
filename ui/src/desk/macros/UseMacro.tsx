// A macro on a ticket before it is used: its text with the variables filled in, to be changed, and what happens beside. It
// is used once, and only on what its user has seen.

import { Button, Group, Stack, Text, Textarea, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type RefObject, useEffect, useRef, useState } from "react";
import { type Macro, macrosKey } from "../../manage/macros/calls.ts";
import { actionsInWords } from "../../manage/rules/said.ts";
import { toast, useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { useInFlight } from "../../parts/inFlight.ts";
import { languageName } from "../../parts/languages.ts";
import { Body } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { Refusal } from "../calls.ts";
import { inBraces, placeholders } from "../placeholders.ts";
import { agentsQuery, QUEUE, ticketKey } from "../queries.ts";
import type { Opened } from "../shapes.ts";
import type { Kept } from "../ticket/kept.ts";
import { NewsPart } from "../ticket/NewsPart.tsx";
import { type News, newsOf, seenWith } from "../ticket/news.ts";
import { type Preview, preview, type Used, use } from "./calls.ts";
import { TEXTS } from "./texts.ts";
import { assigns, below, doneOf, usedInWords } from "./words.ts";

export type Props = {
  ticket: Opened;
  /** What is being written in the reply's field. */
  kept: Kept;
  /** The newest message that was in sight when the dialog came before it. */
  lastSeen: string | null;
  /** What the person made of a macro's text and has not used yet; empty when that is nothing. */
  edited: RefObject<string>;
  onClose: () => void;
  onSent: () => void;
  onWithdraw: (message: string, text: string) => Promise<unknown>;
  /** A text was put into the reply's field. */
  onPut: () => void;
};

export function UseMacro({ macro, onBack, ...rest }: Props & { macro: Macro; onBack: () => void }) {
  const seen = useQuery({
    queryKey: [...macrosKey, macro.id, "on", rest.ticket.id],
    queryFn: ({ signal }) => preview(macro.id, rest.ticket.id, signal),
    // It is what the person began to change.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => frame.current?.focus(), []);
  return (
    <div ref={frame} tabIndex={-1} className="desk-use">
      <Body query={seen} rows={4}>
        {(shown) => <Editing macro={macro} shown={shown} {...rest} />}
      </Body>
      <Button mt="sm" variant="subtle" onClick={onBack}>
        {TEXTS.back}
      </Button>
    </div>
  );
}

function Editing({ macro, shown, ticket, kept, lastSeen, edited, onClose, onSent, onWithdraw, onPut }: Props & Shown) {
  const session = useQuery(sessionQuery);
  const agents = useQuery(agentsQuery);
  const names = (id: string) => agents.data?.items.find((agent) => agent.id === id)?.name;
  const [text, setText] = useState(shown.text);
  const [news, setNews] = useState<News | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  // What stood in the reply's field stands there again, whatever becomes of the macro.
  const [own] = useState(kept.text);
  const key = useRef({ of: "", key: "" });
  useEffect(() => field.current?.focus(), []);

  const missing = placeholders(text);
  const mayNotAssign = assigns(shown.actions) && !may(session.data, "tickets:assign");
  const isReady = text.trim() !== "" && missing.length === 0 && !mayNotAssign;
  const send = useAct<undefined, Used>({
    run: () => {
      const body = { ticket_id: ticket.id, text, last_seen_message_id: seenWith(news, lastSeen) };
      // The same request after a lost answer, or pressed twice, is the same use.
      const of = JSON.stringify(body);
      if (key.current.of !== of) key.current = { of, key: crypto.randomUUID() };
      return use(macro.id, body, key.current.key);
    },
    changes: [ticketKey(ticket.id), QUEUE],
    isShownElsewhere: true,
    onDone: (used) => {
      kept.clear(true);
      if (own !== "") kept.write(own);
      onSent();
      onClose();
      const { message_id: message } = used;
      const takeBack = async (reply: string) => {
        const isBack = await onWithdraw(reply, text);
        if (isBack && doneOf(shown.actions, used).length > 0) toast(TEXTS.stays);
      };
      const lines = usedInWords(shown.actions, used, names).map((line) => <div key={line}>{line}</div>);
      toast(lines, message ? () => void takeBack(message) : undefined);
    },
  });
  const flight = useInFlight(send.isPending);
  const go = () => {
    if (!isReady || flight.current) return;
    flight.current = true;
    send.mutate(undefined, {
      onError: (error) => {
        const found = error instanceof Refusal ? newsOf(error, lastSeen) : null;
        if (!found) return;
        setNews(found);
        // The server keeps what was refused as what is being written, in the place of what stood in the field.
        if (found.version !== null) kept.adopt(found.version);
        kept.write(own || text);
      },
    });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    go();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {news && <NewsPart news={news} isBusy={send.isPending} onGo={go} />}
        <Textarea
          ref={field}
          size="xs"
          autosize
          minRows={4}
          maxRows={14}
          maxLength={20_000}
          label={TEXTS.text}
          description={`In ${languageName(shown.language)}`}
          dir="auto"
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            edited.current = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            go();
          }}
        />
        {missing.length > 0 && (
          <Text size="sm" role="alert" className="desk-news">
            {TEXTS.unfilled} {inBraces(missing)}
          </Text>
        )}
        <section aria-label={TEXTS.beside}>
          <Title order={3} size="h6">
            {TEXTS.beside}
          </Title>
          {shown.actions.length > 0 ? (
            <ul className="desk-list">
              {shown.actions.map((action) => (
                <li key={JSON.stringify(action)} dir="auto">
                  {actionsInWords([action], names)}
                </li>
              ))}
            </ul>
          ) : (
            <Text size="sm" className="quiet">
              {TEXTS.besideNone}
            </Text>
          )}
          {mayNotAssign && <Text size="sm">{TEXTS.mayNotAssign}</Text>}
        </section>
        {send.error && !news ? <Failure error={send.error} compact /> : null}
        <Group justify="flex-end" gap="xs">
          <Button
            variant="default"
            disabled={text.trim() === ""}
            onClick={() => {
              kept.write(below(own, text));
              onPut();
              onClose();
            }}
          >
            {TEXTS.onlyText}
          </Button>
          <Button type="submit" disabled={!isReady} loading={send.isPending} title="Ctrl Enter">
            {shown.actions.length > 0 ? TEXTS.sendAndDo : TEXTS.send}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

type Shown = { macro: Macro; shown: Preview };
