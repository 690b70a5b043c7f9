// Writing at the foot of a ticket: a reply that the customer gets, or a note that colleagues see.

import { ActionIcon, Button, FileButton, Group, Menu, SegmentedControl, Text, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { client, upload } from "../../api/client.ts";
import { toast, useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { moment } from "../../parts/format.ts";
import { useInFlight } from "../../parts/inFlight.ts";
import { useKeys } from "../../shell/keys.ts";
import { sessionQuery } from "../../shell/session.ts";
import { ifMatch, once, Refusal, told } from "../calls.ts";
import { typing } from "../live/presence.ts";
import { inBraces, placeholders } from "../placeholders.ts";
import { QUEUE, ticketKey } from "../queries.ts";
import type { Draft, Message, Opened } from "../shapes.ts";
import { sentWords, TEXTS } from "../texts.ts";
import { LaterDialog } from "./dialogs.tsx";
import type { Kept } from "./kept.ts";
import { NewsPart } from "./NewsPart.tsx";
import { type News, newsOf, seenWith } from "./news.ts";
import { laters } from "./times.ts";

type Mode = "reply" | "note";
type File_ = { id: string; name: string };
type Sending = { status?: "resolved"; sendAt?: string };
/** A reply that was taken, and what it lacks to be sent. */
type Left = { message: string; lacks: string | null | undefined };

type Props = {
  ticket: Opened;
  kept: Kept;
  /** The newest message that the person has on the screen. */
  lastSeen: string | null;
  /** The draft that the text began as. */
  draft: Draft | null;
  onDraftGone: () => void;
  onSent: () => void;
  onWithdraw: (message: string, text: string) => Promise<unknown>;
  /** Grows with each text that is put into the field from elsewhere. */
  put: number;
  /** Opens the macros; missing where they may not be used. */
  onMacro: (() => void) | undefined;
};

export function Composer(props: Props) {
  const { ticket, kept, lastSeen, draft, onDraftGone, onSent, onWithdraw, put, onMacro } = props;
  const who = useQuery(sessionQuery).data?.name ?? "";
  const noteName = `deskwork.note.${who}.${ticket.id}`;
  const [mode, setMode] = useState<Mode>("reply");
  const [note, setNote] = useState(() => sessionStorage.getItem(noteName) ?? "");
  const [files, setFiles] = useState<File_[]>([]);
  const [news, setNews] = useState<News | null>(null);
  // What was held back for variables without a value, and how it was to leave.
  const [held, setHeld] = useState<{ text: string; how: Sending } | null>(null);
  const [isLater, setLater] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const key = useRef({ of: "", key: "" });
  // The text whose writer said that it leaves as it is.
  const passed = useRef("");
  const isReply = mode === "reply";
  const text = isReply ? kept.text : note;
  const changes = [ticketKey(ticket.id), QUEUE];

  const writeNote = (value: string) => {
    setNote(value);
    if (value) sessionStorage.setItem(noteName, value);
    else sessionStorage.removeItem(noteName);
  };
  const focus = (wanted: Mode) => {
    // At once: what is typed next belongs into the field.
    field.current?.focus();
    setMode(wanted);
  };
  // A draft is a reply, whatever was written before.
  useEffect(() => {
    if (draft) setMode("reply");
  }, [draft]);
  useEffect(() => {
    if (put === 0) return;
    setMode("reply");
    field.current?.focus();
  }, [put]);
  useKeys({ reply: () => focus("reply"), note: () => focus("note") });

  // The same request after a lost answer is the same reply; another text is another one.
  const header = (request: unknown) => {
    const of = JSON.stringify(request);
    if (key.current.of !== of) key.current = { of, key: crypto.randomUUID() };
    return once(key.current.key);
  };

  const send = useAct<Sending, Left>({
    run: async ({ status, sendAt }) => {
      const path = { id: ticket.id };
      const seen = seenWith(news, lastSeen);
      const isOfDraft = draft !== null && !draft.stale && !status && files.length === 0 && !news;
      if (isOfDraft) return sendDraft(ticket.id, draft, kept.text, seen, sendAt);
      const body = {
        text: kept.text,
        last_seen_message_id: seen,
        ...(status ? { status } : {}),
        ...(sendAt ? { send_at: sendAt } : {}),
        ...(files.length ? { attachment_ids: files.map((file) => file.id) } : {}),
      };
      const params = { path, header: header(body) };
      const added: Message = await told(client.POST("/api/tickets/{id}/messages", { params, body }));
      return { message: added.id, lacks: added.not_sent_because };
    },
    changes,
    isShownElsewhere: true,
    onDone: ({ message, lacks }, { sendAt, status }) => {
      const sent = kept.text;
      kept.clear(true);
      setFiles([]);
      setNews(null);
      onDraftGone();
      onSent();
      field.current?.focus();
      const leaves = sendAt ? `The reply leaves on ${moment(sendAt)}` : TEXTS.sent;
      toast(sentWords(lacks, status) ?? leaves, () => void onWithdraw(message, sent));
    },
  });

  const addNote = useAct<undefined, unknown>({
    run: () => {
      const body = { text: note, attachment_ids: files.map((file) => file.id) };
      const params = { path: { id: ticket.id }, header: header({ note: body }) };
      return told(client.POST("/api/tickets/{id}/notes", { params, body }));
    },
    changes,
    isShownElsewhere: true,
    done: () => TEXTS.noteAdded,
    onDone: () => {
      writeNote("");
      setFiles([]);
    },
  });

  const attach = useAct<File[], File_[]>({
    run: (picked) =>
      Promise.all(
        picked.map((file) =>
          upload<File_>(
            `/api/tickets/attachments?name=${encodeURIComponent(file.name)}`,
            file,
            "application/octet-stream",
          ),
        ),
      ),
    changes: [],
    onDone: (added) => setFiles((known) => [...known, ...added].slice(0, 20)),
  });

  const flight = useInFlight(send.isPending || addNote.isPending);
  const go = (how: Sending = {}) => {
    if (text.trim() === "" || flight.current) return;
    const isHeld = isReply && passed.current !== text && placeholders(text).length > 0;
    setHeld(isHeld ? { text, how } : null);
    if (isHeld) return;
    flight.current = true;
    if (!isReply) addNote.mutate(undefined);
    else
      send.mutate(how, {
        onError: (error) => {
          const found = error instanceof Refusal ? newsOf(error, lastSeen) : null;
          // A draft that somebody else changed or sent meanwhile: what is in the field is the writer's own from now on.
          if (error instanceof Refusal && /^(conflict|not-now|gone)$/.test(error.kind)) onDraftGone();
          if (!found) return;
          setNews(found);
          if (found.version !== null) kept.adopt(found.version);
        },
      });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      go(event.shiftKey && isReply ? { status: "resolved" } : {});
    } else if (event.key === "Escape") {
      field.current?.blur();
      document.getElementById("ticket-title")?.focus();
    }
  };
  const goAsItIs = () => {
    passed.current = text;
    go(held?.how);
  };
  const failure = isReply ? send.error : addNote.error;

  return (
    <div className="desk-composer" data-mode={mode}>
      {news && isReply && <NewsPart news={news} isBusy={send.isPending} onGo={() => go()} />}
      {held?.text === text && isReply && (
        <section className="desk-news" role="alert" aria-label={TEXTS.unfilledTitle}>
          <Text size="sm" fw={600}>
            {TEXTS.unfilledTitle}
          </Text>
          <Text size="sm">
            {TEXTS.unfilledNote} {inBraces(placeholders(text))}
          </Text>
          <Button mt={6} variant="default" onClick={goAsItIs}>
            {TEXTS.sendUnfilled}
          </Button>
        </section>
      )}
      {kept.other !== null && isReply && (
        <section className="desk-news" role="alert" aria-label={TEXTS.otherTitle}>
          <Text size="sm" fw={600}>
            {TEXTS.otherTitle}
          </Text>
          <Text size="sm">{TEXTS.otherNote}</Text>
          <div className="desk-text" dir="auto">
            {kept.other}
          </div>
          <Group gap="xs" mt={6}>
            <Button variant="default" onClick={kept.takeOther}>
              {TEXTS.takeOther}
            </Button>
            <Button variant="default" onClick={kept.keepThis}>
              {TEXTS.keepThis}
            </Button>
          </Group>
        </section>
      )}
      <Group justify="space-between" gap={6} mb={6}>
        <SegmentedControl
          size="xs"
          aria-label="What you write"
          value={mode}
          onChange={(value) => setMode(value as Mode)}
          data={[
            { value: "reply", label: TEXTS.reply },
            { value: "note", label: TEXTS.note },
          ]}
          transitionDuration={0}
        />
        <Text size="xs" className="quiet" role="status">
          {isReply && kept.text !== "" ? keptWords(kept.state) : isReply ? TEXTS.replyHint : TEXTS.noteHint}
        </Text>
      </Group>
      <Textarea
        ref={field}
        autosize
        minRows={3}
        maxRows={12}
        maxLength={isReply ? 20_000 : 50_000}
        aria-label={isReply ? "Reply to the customer" : "Note for colleagues"}
        placeholder={isReply ? `Reply to ${ticket.customer.name || "the customer"}` : "Only colleagues see this"}
        value={text}
        dir="auto"
        onKeyDown={onKeyDown}
        onChange={(event) => {
          if (isReply) {
            kept.write(event.currentTarget.value);
            typing(ticket.id);
          } else writeNote(event.currentTarget.value);
        }}
      />
      {files.length > 0 && (
        <Group gap={6} mt={6} className="small">
          {files.map((file) => (
            <span key={file.id} className="desk-mark">
              {file.name}{" "}
              <ActionIcon
                size={24}
                variant="subtle"
                aria-label={`Leave ${file.name} out`}
                onClick={() => setFiles(files.filter((each) => each.id !== file.id))}
              >
                ×
              </ActionIcon>
            </span>
          ))}
        </Group>
      )}
      {failure && !(news && isReply) ? <Failure error={failure} compact /> : null}
      <Group justify="space-between" gap={6} mt={6}>
        <Group gap={6}>
          <FileButton multiple onChange={(picked) => picked.length > 0 && attach.mutate(picked)}>
            {(button) => (
              <Button {...button} variant="subtle" loading={attach.isPending}>
                {TEXTS.file}
              </Button>
            )}
          </FileButton>
          {onMacro && (
            <Button variant="subtle" onClick={onMacro}>
              {TEXTS.macro}
            </Button>
          )}
        </Group>
        <Group gap={6}>
          {isReply && (
            <>
              <Menu position="top-end" transitionProps={{ duration: 0 }}>
                <Menu.Target>
                  <Button variant="default" disabled={text.trim() === ""}>
                    {TEXTS.sendLater}
                  </Button>
                </Menu.Target>
                <Menu.Dropdown>
                  {laters(new Date()).map((later) => (
                    <Menu.Item key={later.name} onClick={() => go({ sendAt: later.at.toISOString() })}>
                      {later.name}
                    </Menu.Item>
                  ))}
                  <Menu.Item onClick={() => setLater(true)}>At another time…</Menu.Item>
                </Menu.Dropdown>
              </Menu>
              <Button variant="default" disabled={text.trim() === ""} onClick={() => go({ status: "resolved" })}>
                {TEXTS.sendResolve}
              </Button>
            </>
          )}
          <Button
            disabled={text.trim() === ""}
            loading={send.isPending || addNote.isPending}
            onClick={() => go()}
            title="Ctrl Enter"
          >
            {isReply ? TEXTS.send : TEXTS.addNote}
          </Button>
        </Group>
      </Group>
      {isLater && (
        <LaterDialog
          title={TEXTS.sendLater}
          verb={TEXTS.sendLater}
          onClose={() => setLater(false)}
          onPick={(at) => {
            setLater(false);
            go({ sendAt: at });
          }}
        />
      )}
    </div>
  );
}

/** Sends what a draft became: a changed text is stored with it first, so that it is known how much was changed. */
async function sendDraft(
  id: string,
  draft: Draft,
  text: string,
  seen: string | null,
  sendAt: string | undefined,
): Promise<Left> {
  const path = { id, draft_id: draft.id };
  let version = draft.version;
  if (text.trim() !== draft.reply.trim()) {
    const edited = await told(
      client.PATCH("/api/ai/tickets/{id}/drafts/{draft_id}", {
        params: { path, header: ifMatch(version) },
        body: { reply: text },
      }),
    );
    version = edited.version;
  }
  const sent: { message_id: string; not_sent_because?: string | null } = await told(
    client.POST("/api/ai/tickets/{id}/drafts/{draft_id}/send", {
      params: { path, header: { ...ifMatch(version), ...once() } },
      body: { last_seen_message_id: seen, ...(sendAt ? { send_at: sendAt } : {}) },
    }),
  );
  return { message: sent.message_id, lacks: sent.not_sent_because };
}

function keptWords(state: Kept["state"]): string {
  return { kept: TEXTS.kept, keeping: TEXTS.keeping, "not-kept": TEXTS.notKept, none: "" }[state];
}
