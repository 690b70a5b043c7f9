// The head of a ticket: what it is about, how it stands, who is at it, and what can be done with it.

import { Button, Group, Menu, Popover, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { words } from "../../parts/format.ts";
import { useNow } from "../../parts/now.ts";
import { State } from "../../parts/State.tsx";
import { useKeys } from "../../shell/keys.ts";
import { dueOf } from "../clocks.ts";
import { useThere } from "../live/presence.ts";
import { scoreQuery, useMe, useNames } from "../queries.ts";
import type { Opened } from "../shapes.ts";
import { pendingWords, TEXTS } from "../texts.ts";
import { About } from "./About.tsx";
import { useChange, useOwner } from "./changes.ts";
import { EscalateDialog, LaterDialog, MergeDialog, TagsDialog, TransferDialog } from "./dialogs.tsx";
import { laters } from "./times.ts";

type Props = {
  ticket: Opened;
  onLeave: () => void;
  onCustomer: () => void;
  onOpen: (id: string) => void;
  /** The customer is what is looked at. */
  isAside: boolean;
  isHistory: boolean;
  onHistory: () => void;
};

type Dialog = "transfer" | "escalate" | "tags" | "about" | "merge" | "snooze";
const PRIORITIES = ["urgent", "high", "normal", "low"] as const;

export function TicketHead({ ticket, onLeave, onCustomer, onOpen, isAside, isHistory, onHistory }: Props) {
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const now = useNow();
  const me = useMe();
  const name = useNames();
  const there = useThere(ticket.id, me?.id);
  const change = useChange(ticket);
  const owner = useOwner(ticket);
  const isLive = ticket.status === "open" || ticket.status === "pending";
  const isMine = me !== undefined && ticket.assignee_id === me.id;
  const close = () => setDialog(null);
  const resolve = () =>
    isLive
      ? change.mutate({ change: { status: "resolved" }, done: "Resolved", undo: { status: ticket.status as "open" } })
      : change.mutate({ change: { status: "open" }, done: "Open again" });
  const snooze = (at: string) =>
    change.mutate({
      change: { snoozed_until: at },
      done: "It sleeps, and comes back by itself",
      undo: { snoozed_until: null },
    });
  const take = () => {
    if (!ticket.assignee_id) owner.mutate("claim");
  };
  useKeys({
    resolve,
    claim: take,
    snooze: () => isLive && setDialog("snooze"),
    transfer: () => isLive && setDialog("transfer"),
    leave: onLeave,
  });
  const told = dueOf(ticket, now);
  return (
    <div className="desk-head">
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="xs">
        <div style={{ minWidth: 0 }}>
          <Title order={isAside ? 2 : 1} size="h4" id="ticket-title" tabIndex={-1} dir="auto">
            {ticket.subject || "(no subject)"}
          </Title>
          <Group gap="4px 12px" className="small" component="div">
            <span className="quiet">#{ticket.number}</span>
            <State name={ticket.status} tone={ticket.status === "open" ? "calm" : "none"} />
            {isLive && (
              <State name={told.text} tone={told.tone}>
                {told.text}
              </State>
            )}
            {ticket.priority !== "normal" && (
              <span className={`desk-mark ${ticket.priority === "low" ? "" : "desk-mark-strong"}`}>
                {ticket.priority}
              </span>
            )}
            <span className="quiet">
              {ticket.assignee ? (isMine ? "Yours" : ticket.assignee.name) : "Nobody’s"} · {words(ticket.channel)}
            </span>
            {ticket.tags.map((tag) => (
              <span key={tag} className="desk-mark">
                {tag}
              </span>
            ))}
            <Why id={ticket.id} />
          </Group>
          <div className="small desk-there" role="status">
            {there.map((person) => `${name(person.agent)} ${person.isTyping ? "is writing" : "is looking"}`).join(", ")}
          </div>
          {pendingWords(ticket.pending, now).map((line) => (
            <div key={line} className="small quiet">
              {line}
            </div>
          ))}
        </div>
        <Button variant="default" className="desk-only-phone" onClick={onLeave} style={{ flex: "none" }}>
          {TEXTS.back}
        </Button>
      </Group>
      <Group gap={6} mt={8}>
        {isLive && !ticket.assignee_id && me && (
          <Button variant="default" loading={owner.isPending} onClick={take}>
            Take it
          </Button>
        )}
        <Button variant="default" loading={change.isPending} onClick={resolve} disabled={Boolean(ticket.merged_into)}>
          {isLive ? "Resolve" : "Open again"}
        </Button>
        {isLive && (
          <Menu position="bottom-start" transitionProps={{ duration: 0 }}>
            <Menu.Target>
              <Button variant="default">Snooze</Button>
            </Menu.Target>
            <Menu.Dropdown>
              {laters(new Date()).map((later) => (
                <Menu.Item key={later.name} onClick={() => snooze(later.at.toISOString())}>
                  {later.name}
                </Menu.Item>
              ))}
              <Menu.Item onClick={() => setDialog("snooze")}>Until another time…</Menu.Item>
              {ticket.snoozed_until && (
                <Menu.Item onClick={() => change.mutate({ change: { snoozed_until: null }, done: "It is awake" })}>
                  Wake it now
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        )}
        <Menu position="bottom-start" transitionProps={{ duration: 0 }}>
          <Menu.Target>
            <Button variant="default">More</Button>
          </Menu.Target>
          <Menu.Dropdown mah={420} style={{ overflowY: "auto" }}>
            {isLive && <Menu.Item onClick={() => setDialog("transfer")}>Hand on…</Menu.Item>}
            {isLive && <Menu.Item onClick={() => setDialog("escalate")}>Hand up…</Menu.Item>}
            {isMine && ticket.assignment_state === "assigned" && (
              <Menu.Item onClick={() => owner.mutate("accept")}>Say that you work on it</Menu.Item>
            )}
            {isMine && <Menu.Item onClick={() => owner.mutate("unassign")}>Put back into the queue</Menu.Item>}
            <Menu.Item onClick={() => setDialog("tags")}>Tags…</Menu.Item>
            {!ticket.erased_at && <Menu.Item onClick={() => setDialog("about")}>{TEXTS.about}…</Menu.Item>}
            <Menu.Item onClick={() => setDialog("merge")}>Merge into another…</Menu.Item>
            <Menu.Divider />
            <Menu.Label c="var(--quiet)">Priority</Menu.Label>
            {PRIORITIES.map((priority) => (
              <Menu.Item
                key={priority}
                disabled={priority === ticket.priority}
                onClick={() =>
                  change.mutate({
                    change: { priority },
                    done: `The priority is ${priority}`,
                    undo: { priority: ticket.priority as "normal" },
                  })
                }
              >
                {words(priority)}
                {priority === ticket.priority ? " ✓" : ""}
              </Menu.Item>
            ))}
            <Menu.Divider />
            <Menu.Item
              onClick={() =>
                change.mutate({
                  change: { is_spam: !ticket.is_spam },
                  done: ticket.is_spam ? "It is no spam" : "Marked as spam",
                  undo: { is_spam: ticket.is_spam },
                })
              }
            >
              {ticket.is_spam ? "It is no spam" : "Mark as spam"}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Button variant="default" aria-pressed={isHistory} onClick={onHistory}>
          {isHistory ? TEXTS.conversation : "History"}
        </Button>
        <Button variant="default" className="desk-only-narrow" onClick={onCustomer}>
          {TEXTS.customer}
        </Button>
      </Group>
      {ticket.merged_into && (
        <Text size="sm" mt={6}>
          {TEXTS.merged}{" "}
          <Button size="compact-xs" variant="default" onClick={() => ticket.merged_into && onOpen(ticket.merged_into)}>
            Open it
          </Button>
        </Text>
      )}
      {dialog === "transfer" && <TransferDialog ticket={ticket} onClose={close} />}
      {dialog === "escalate" && <EscalateDialog ticket={ticket} onClose={close} />}
      {dialog === "tags" && <TagsDialog ticket={ticket} onClose={close} />}
      {dialog === "about" && <About ticket={ticket} onClose={close} />}
      {dialog === "merge" && <MergeDialog ticket={ticket} onClose={close} onOpen={onOpen} />}
      {dialog === "snooze" && (
        <LaterDialog
          title="Snooze"
          verb="Let it sleep"
          onClose={close}
          onPick={(at) => {
            close();
            snooze(at);
          }}
        />
      )}
    </div>
  );
}

/** Why the ticket stands where it stands: every term of the order in words. */
function Why({ id }: { id: string }) {
  const [isOpen, setOpen] = useState(false);
  const score = useQuery({ ...scoreQuery(id), enabled: isOpen });
  const terms = score.data?.terms.filter((term) => Math.abs(term.points) >= 0.005) ?? [];
  return (
    <Popover opened={isOpen} onChange={setOpen} width={360} position="bottom-start" withinPortal trapFocus returnFocus>
      <Popover.Target>
        <Button size="compact-xs" variant="subtle" onClick={() => setOpen(!isOpen)}>
          {TEXTS.why}
        </Button>
      </Popover.Target>
      <Popover.Dropdown tabIndex={-1} aria-label={TEXTS.why}>
        {score.isPending && <Text size="sm">…</Text>}
        {score.isError && <Text size="sm">The reasons cannot be loaded now.</Text>}
        {score.data && terms.length === 0 && <Text size="sm">{TEXTS.whyNone}</Text>}
        {terms.length > 0 && (
          <dl className="desk-clocks">
            {terms.map((term) => (
              <div key={term.term} style={{ display: "contents" }}>
                <dt className="number">{term.points > 0 ? `+${term.points.toFixed(1)}` : term.points.toFixed(1)}</dt>
                <dd>{term.why}</dd>
              </div>
            ))}
            <dt className="number">
              <strong>{score.data?.score?.toFixed(1) ?? "–"}</strong>
            </dt>
            <dd>in all; more comes first</dd>
          </dl>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
