// The shop's mailboxes, and the answers whose fate nobody knows.

import { Button, Checkbox, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { useFilters } from "../../parts/filters.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { Secret } from "../../parts/Secret.tsx";
import { State } from "../../parts/State.tsx";
import { decide, giveUp, type Mailbox, mailboxes, renewToken, type Unsure, unsure } from "./calls.ts";
import { MailboxDialog } from "./MailboxDialog.tsx";
import { TEXTS } from "./texts.ts";

const KEY = ["mailboxes"];

export function Mailboxes() {
  const [filters, change] = useFilters();
  const [edited, setEdited] = useState<Mailbox | "new" | null>(null);
  const [asked, setAsked] = useState<{ what: "renew" | "giveUp"; mailbox: Mailbox } | null>(null);
  const [token, setToken] = useState<string | null>(null);
  const withDisabled = filters.disabled === "yes";
  const list = useQuery({
    queryKey: [...KEY, withDisabled],
    queryFn: ({ signal }) => mailboxes(withDisabled, signal),
    refetchInterval: CALM_MS,
  });
  const shared = { changes: [KEY], isShownElsewhere: true, onDone: () => setAsked(null) };
  const end = useAct({ ...shared, run: (mailbox: Mailbox) => giveUp(mailbox.id), done: () => TEXTS.saved });
  const renew = useAct({
    ...shared,
    run: (mailbox: Mailbox) => renewToken(mailbox.id),
    onDone: (made) => {
      setAsked(null);
      setToken(made.token);
    },
  });
  const columns: Column<Mailbox>[] = [
    {
      head: "Address",
      isWide: true,
      cell: (mailbox) => (
        <>
          <Link to="/manage/mail" search={{ mailbox_id: mailbox.id } as never}>
            {mailbox.address}
          </Link>
          <div className="quiet small">
            {mailbox.display_name}
            {mailbox.is_default ? " – answers what came to none" : ""}
          </div>
        </>
      ),
    },
    { head: "Stands", cell: (mailbox) => <Standing mailbox={mailbox} /> },
    {
      head: "Leaves through",
      cell: (mailbox) => (
        <>
          {mailbox.smtp ? `${mailbox.smtp.host}:${mailbox.smtp.port}` : "only receives"}
          {mailbox.dkim && <div className="quiet small">signed for {mailbox.dkim.domain}</div>}
        </>
      ),
    },
    { head: "Last came", cell: (mailbox) => <Age at={mailbox.last_received_at} /> },
    { head: "Last left", cell: (mailbox) => <Age at={mailbox.last_sent_at} /> },
    {
      head: "",
      cell: (mailbox) =>
        mailbox.disabled_at ? null : (
          <Group gap={4} wrap="nowrap">
            <Button variant="default" aria-label={`Change: ${mailbox.address}`} onClick={() => setEdited(mailbox)}>
              Change
            </Button>
            <Button
              variant="default"
              aria-label={`${TEXTS.renew}: ${mailbox.address}`}
              onClick={() => setAsked({ what: "renew", mailbox })}
            >
              {TEXTS.renew}
            </Button>
            <Button
              variant="default"
              aria-label={`${TEXTS.giveUp}: ${mailbox.address}`}
              onClick={() => setAsked({ what: "giveUp", mailbox })}
            >
              {TEXTS.giveUp}
            </Button>
          </Group>
        ),
    },
  ];
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      queries={[list]}
      actions={<Button onClick={() => setEdited("new")}>{TEXTS.make}</Button>}
    >
      <Checkbox
        size="sm"
        label={TEXTS.givenUp}
        checked={withDisabled}
        onChange={(event) => change({ disabled: event.currentTarget.checked ? "yes" : null })}
      />
      <Body query={list}>
        {(known) =>
          known.length > 0 ? (
            <Rows label={TEXTS.title} columns={columns} rows={known} rowKey={(mailbox) => mailbox.id} />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
      <UnsureReplies />
      {edited && (
        <MailboxDialog
          known={edited === "new" ? null : edited}
          changes={KEY}
          onMade={setToken}
          onClose={() => setEdited(null)}
        />
      )}
      {asked && (
        <Confirm
          title={`${TEXTS[asked.what]}: ${asked.mailbox.address}`}
          what={asked.what === "renew" ? TEXTS.renewWhat : TEXTS.giveUpWhat}
          verb={TEXTS[asked.what]}
          isDestructive={asked.what === "giveUp"}
          needsReason={false}
          error={asked.what === "renew" ? renew.error : end.error}
          isBusy={renew.isPending || end.isPending}
          onClose={() => setAsked(null)}
          onConfirm={() => (asked.what === "renew" ? renew : end).mutate(asked.mailbox)}
        />
      )}
      {token && (
        <Dialog onClose={() => setToken(null)} title={TEXTS.token}>
          <Secret text={token} note={TEXTS.tokenShown} />
        </Dialog>
      )}
    </Screen>
  );
}

function Standing({ mailbox }: { mailbox: Mailbox }) {
  if (mailbox.disabled_at) return <State name="gone">Given up</State>;
  if (!mailbox.last_error) return <State name="active">Works</State>;
  return (
    <>
      <State name="failed">Last failed</State>
      <div className="small">{mailbox.last_error}</div>
      <div className="quiet small">
        <Age at={mailbox.last_error_at} />
      </div>
    </>
  );
}

function UnsureReplies() {
  const list = usePages<Unsure>([...KEY, "unsure"], unsure, CALM_MS);
  const [asked, setAsked] = useState<{ reply: Unsure; wasSent: boolean } | null>(null);
  const say = useAct({
    run: ({ reply, wasSent }: { reply: Unsure; wasSent: boolean }) => decide(reply.message_id, wasSent),
    changes: [KEY],
    done: (_, { wasSent }) => (wasSent ? "It counts as sent" : "It is sent again"),
    isShownElsewhere: true,
    onDone: () => setAsked(null),
  });
  if (!list.rows?.length) return null;
  const columns: Column<Unsure>[] = [
    {
      head: "Ticket",
      cell: (reply) => (
        <Link to="/desk" search={{ ticket: reply.ticket_id } as never}>
          #{reply.ticket_number}
        </Link>
      ),
    },
    { head: "To", isWide: true, cell: (reply) => reply.customer_email ?? "–" },
    { head: "Why", isWide: true, cell: (reply) => reply.error ?? "–" },
    { head: "Written", cell: (reply) => <Age at={reply.created_at} /> },
    {
      head: "",
      cell: (reply) => (
        <Group gap={4} wrap="nowrap">
          <Button variant="default" onClick={() => setAsked({ reply, wasSent: true })}>
            {TEXTS.arrived}
          </Button>
          <Button variant="default" onClick={() => setAsked({ reply, wasSent: false })}>
            {TEXTS.again}
          </Button>
        </Group>
      ),
    },
  ];
  return (
    <Stack gap="xs">
      <Title order={2} size="h5">
        {TEXTS.unsure}
      </Title>
      <Text size="sm" className="quiet">
        {TEXTS.unsureNote}
      </Text>
      <Rows
        label={TEXTS.unsure}
        columns={columns}
        rows={list.rows}
        rowKey={(reply) => reply.message_id}
        onMore={list.onMore}
      />
      {asked && (
        <Confirm
          title={`${asked.wasSent ? TEXTS.arrived : TEXTS.again}: #${asked.reply.ticket_number}`}
          what={asked.wasSent ? TEXTS.arrivedWhat : TEXTS.againWhat}
          verb={asked.wasSent ? TEXTS.arrived : TEXTS.again}
          needsReason={false}
          error={say.error}
          isBusy={say.isPending}
          onClose={() => setAsked(null)}
          onConfirm={() => say.mutate(asked)}
        />
      )}
    </Stack>
  );
}
