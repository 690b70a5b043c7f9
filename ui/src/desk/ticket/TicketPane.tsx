// A ticket: its head, the conversation, drafts, and writing at the foot.

import { Button, Stack, Text } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { client } from "../../api/client.ts";
import { toast, useAct } from "../../parts/act.tsx";
import { Body } from "../../parts/Screen.tsx";
import { useCommand } from "../../shell/commands.ts";
import { useKeys } from "../../shell/keys.ts";
import { may, sessionQuery } from "../../shell/session.ts";
import { once, sendAgain, told } from "../calls.ts";
import { learn } from "../live/presence.ts";
import { MacroDialog } from "../macros/MacroDialog.tsx";
import { messagesQuery, QUEUE, ticketKey, ticketQuery, useNames } from "../queries.ts";
import type { Draft, Message, Opened } from "../shapes.ts";
import { sentWords, TEXTS } from "../texts.ts";
import { About } from "./About.tsx";
import { Composer } from "./Composer.tsx";
import { DraftPart } from "./DraftPart.tsx";
import { SplitDialog } from "./dialogs.tsx";
import { History } from "./History.tsx";
import { useKept } from "./kept.ts";
import { MessageView } from "./MessageView.tsx";
import { carry } from "./stored.ts";
import { TicketHead } from "./TicketHead.tsx";

type Props = {
  id: string;
  isAside: boolean;
  onLeave: () => void;
  onCustomer: () => void;
  onOpen: (id: string) => void;
};

export function TicketPane(props: Props) {
  // What was known of it is shown at once; what the person was writing is taken from a new answer only.
  const ticket = useQuery({ ...ticketQuery(props.id), refetchOnMount: "always" });
  return (
    <div className="desk-fill">
      <Body query={ticket} rows={8}>
        {(opened) => <Open ticket={opened} isFresh={ticket.isFetchedAfterMount} {...props} />}
      </Body>
    </div>
  );
}

function Open({ ticket, isFresh, isAside, onLeave, onCustomer, onOpen }: Props & { ticket: Opened; isFresh: boolean }) {
  const { id } = ticket;
  const name = useNames();
  const [isHistory, setHistory] = useState(false);
  const [split, setSplit] = useState<Message | null>(null);
  const [isAbout, setAbout] = useState(false);
  const [draft, setDraft] = useState<Draft | null>(null);
  const [isMacro, setMacro] = useState(false);
  const [put, setPut] = useState(0);
  const messages = useInfiniteQuery(messagesQuery(id));
  const rows = messages.data?.pages.flatMap((page) => page.items).reverse() ?? [];
  const last = messages.data?.pages[0]?.last_message_id ?? null;
  const [lastSeen, setLastSeen] = useState<string | null>(null);
  const kept = useKept(id, isFresh ? ticket.reply_text : undefined, lastSeen);
  const withdraw = useAct<{ message: string; text: string }, unknown>({
    run: ({ message }) =>
      told(
        client.POST("/api/tickets/{id}/messages/{message_id}/withdraw", {
          params: { path: { id, message_id: message }, header: once() },
        }),
      ),
    changes: [ticketKey(id), QUEUE],
    done: () => "Taken back; the text is in the field again",
    // What was taken back is text that is being written again, unless another one is there by now.
    onDone: (_, { text }) => kept.write(kept.text || text),
  });
  const takeBack = (message: string, text: string) => withdraw.mutateAsync({ message, text }).catch(() => undefined);
  const again = useAct<Message, Message>({
    run: (message) => sendAgain(id, message.id),
    changes: [ticketKey(id), QUEUE],
    onDone: (_, message) => toast(TEXTS.leavesAgain, () => void takeBack(message.id, message.text)),
  });

  useEffect(() => {
    document.title = `#${ticket.number} ${ticket.subject ?? ""} · Deskwork`;
  }, [ticket.number, ticket.subject]);
  useEffect(() => {
    document.getElementById("ticket-title")?.focus({ preventScroll: true });
    void told(client.GET("/api/tickets/{id}/viewers", { params: { path: { id } } })).then(
      (there) => learn(id, there.items),
      () => undefined,
    );
  }, [id]);

  // The newest message is in sight when the ticket opens, and stays so when others come while it was.
  const scroll = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  const newest = rows.at(-1)?.id;
  // Seen is what is in sight: a reply that is sent beside the newest message, unread further down, is held back for it.
  const look = useCallback(() => {
    if (isAtEnd.current && !isHistory && document.visibilityState === "visible") setLastSeen(last);
  }, [last, isHistory]);
  useLayoutEffect(() => {
    const frame = scroll.current;
    if (newest && frame && isAtEnd.current && !isHistory) frame.scrollTop = frame.scrollHeight;
    look();
  }, [newest, isHistory, look]);
  useEffect(() => {
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [look]);
  // Whoever sends looks at what they sent.
  const toEnd = () => {
    isAtEnd.current = true;
  };

  // Also when the field below grows and takes of the room.
  useEffect(() => {
    const frame = scroll.current;
    if (!frame) return;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) frame.scrollTop = frame.scrollHeight;
    });
    observer.observe(frame);
    return () => observer.disconnect();
  }, []);

  const isAnswerable = !ticket.merged_into && !ticket.erased_at;
  const session = useQuery(sessionQuery);
  const mayUseMacros = isAnswerable && may(session.data, "tickets:write");
  // Merged by another while a macro's text was being changed: the text goes along, as that in the reply's field does.
  const edited = useRef("");
  const { merged_into: goesOnIn } = ticket;
  const who = session.data?.name ?? "";
  useEffect(() => {
    if (!goesOnIn) return;
    setMacro(false);
    if (edited.current.trim() === "") return;
    carry(who, goesOnIn, edited.current);
    edited.current = "";
    toast(TEXTS.carried);
  }, [goesOnIn, who]);
  useKeys({ macro: () => mayUseMacros && setMacro(true) });
  useCommand(
    mayUseMacros
      ? {
          id: "use-macro",
          name: `Ticket: ${TEXTS.macro}`,
          note: `For #${ticket.number}`,
          run: () => {
            // What the palette covered has the focus again, and gets it back from the dialog.
            document.getElementById("ticket-title")?.focus({ preventScroll: true });
            setMacro(true);
          },
        }
      : null,
  );

  const customer = ticket.customer.name || ticket.customer.email || "The customer";
  const publicMessages = rows.filter((message) => message.from !== "note").length;
  return (
    <Stack gap={0} className="desk-fill">
      <TicketHead
        ticket={ticket}
        onLeave={onLeave}
        onCustomer={onCustomer}
        onOpen={onOpen}
        isAside={isAside}
        isHistory={isHistory}
        onHistory={() => setHistory(!isHistory)}
      />
      <section
        className="desk-scroll"
        ref={scroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls has to be reachable by keys
        tabIndex={0}
        aria-label={isHistory ? "History" : "Messages"}
        onScroll={(event) => {
          const frame = event.currentTarget;
          isAtEnd.current = frame.scrollHeight - frame.scrollTop - frame.clientHeight < 40;
          look();
        }}
      >
        {isHistory ? (
          <History id={id} />
        ) : (
          <Body query={messages} rows={4}>
            {() => (
              <>
                {messages.hasNextPage && (
                  <Button
                    variant="default"
                    fullWidth
                    loading={messages.isFetchingNextPage}
                    onClick={() => void messages.fetchNextPage()}
                  >
                    Show earlier messages
                  </Button>
                )}
                <ol className="desk-messages" aria-label="Messages, the newest last">
                  {rows.map((message) => (
                    <MessageView
                      key={message.id}
                      message={message}
                      customer={customer}
                      name={name}
                      onWithdraw={(which) => void takeBack(which.id, which.text)}
                      onSendAgain={ticket.erased_at ? undefined : (which) => again.mutate(which)}
                      onAddress={ticket.erased_at ? undefined : () => setAbout(true)}
                      onSplit={message.from === "customer" && publicMessages > 1 ? setSplit : undefined}
                    />
                  ))}
                </ol>
              </>
            )}
          </Body>
        )}
      </section>
      {ticket.erased_at && (
        <Text size="sm" className="quiet" p="xs" role="note">
          {TEXTS.erased}
        </Text>
      )}
      {isAnswerable && (
        <>
          <DraftPart
            ticket={ticket}
            lastSeen={lastSeen}
            onTake={(taken) => {
              setDraft(taken);
              kept.write(taken.reply);
              document.querySelector<HTMLElement>(".desk-composer textarea")?.focus();
            }}
            onSent={(message, text, lacks) => {
              toEnd();
              toast(sentWords(lacks) ?? TEXTS.sent, () => void takeBack(message, text));
            }}
          />
          <Composer
            ticket={ticket}
            kept={kept}
            lastSeen={lastSeen}
            draft={draft}
            onDraftGone={() => setDraft(null)}
            onSent={toEnd}
            onWithdraw={takeBack}
            put={put}
            onMacro={mayUseMacros ? () => setMacro(true) : undefined}
          />
        </>
      )}
      {isMacro && mayUseMacros && (
        <MacroDialog
          ticket={ticket}
          kept={kept}
          lastSeen={lastSeen}
          edited={edited}
          onClose={() => setMacro(false)}
          onSent={toEnd}
          onWithdraw={takeBack}
          onPut={() => setPut((times) => times + 1)}
        />
      )}
      {isAbout && <About ticket={ticket} onClose={() => setAbout(false)} />}
      {split && <SplitDialog ticket={ticket} message={split} onClose={() => setSplit(null)} onOpen={onOpen} />}
    </Stack>
  );
}
