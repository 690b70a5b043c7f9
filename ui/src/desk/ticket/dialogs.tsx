// The dialogs of a ticket: handing it on and up, tags, merging, splitting, another time.

import { Button, Checkbox, Group, Radio, Select, Stack, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { client } from "../../api/client.ts";
import type { Page } from "../../api/shapes.ts";
import { toast, useAct } from "../../parts/act.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { ifMatch, once, Refusal, told, toldAs } from "../calls.ts";
import { agentsQuery, QUEUE, ticketKey } from "../queries.ts";
import type { Message, Opened, Ticket } from "../shapes.ts";
import { useChange, useMet, useStale } from "./changes.ts";
import { local } from "./times.ts";

type FormProps = {
  title: string;
  verb: string;
  isReady: boolean;
  isBusy: boolean;
  error: unknown;
  onClose: () => void;
  onSubmit: () => void;
  children: ReactNode;
};

export function FormDialog({ title, verb, isReady, isBusy, error, onClose, onSubmit, children }: FormProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady && !isBusy) onSubmit();
  };
  return (
    <Dialog onClose={onClose} title={title}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {children}
          {error ? <Failure error={error} compact /> : null}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Keep it as it is
            </Button>
            <Button type="submit" disabled={!isReady} loading={isBusy}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

type Props = { ticket: Opened; onClose: () => void };

export function TransferDialog({ ticket, onClose }: Props) {
  const agents = useQuery(agentsQuery);
  const met = useMet(ticket);
  const [to, setTo] = useState<string | null>(null);
  const [force, setForce] = useState(false);
  const [reason, setReason] = useState("");
  const people = agents.data?.items.filter((agent) => !agent.disabled_at && agent.id !== ticket.assignee_id) ?? [];
  const departments = [...new Set(people.flatMap((agent) => agent.departments))].sort();
  const act = useAct<undefined, unknown>({
    run: () => {
      const [kind, value] = [to?.slice(0, 2), to?.slice(2) ?? ""];
      const body = { ...(kind === "a:" ? { agent_id: value } : { department: value }), force, reason: reason.trim() };
      const params = { path: { id: ticket.id }, header: { ...once(), ...ifMatch(ticket.version) } };
      return met(told(client.POST("/api/tickets/{id}/transfer", { params, body })));
    },
    changes: [ticketKey(ticket.id), QUEUE],
    isShownElsewhere: true,
    done: () => "The ticket was handed on",
    onDone: onClose,
  });
  return (
    <FormDialog
      title="Hand the ticket on"
      verb="Hand on"
      isReady={to !== null && reason.trim() !== ""}
      isBusy={act.isPending}
      error={act.error}
      onClose={onClose}
      onSubmit={() => act.mutate(undefined)}
    >
      <Select
        label="To"
        searchable
        required
        data-autofocus
        placeholder="A colleague or a department"
        value={to}
        onChange={setTo}
        data={[
          {
            group: "Colleagues",
            items: people.map((agent) => ({
              value: `a:${agent.id}`,
              label: `${agent.name} (${agent.load} of ${agent.capacity}${agent.is_present ? "" : ", not here"})`,
            })),
          },
          { group: "Departments", items: departments.map((name) => ({ value: `d:${name}`, label: name })) },
        ]}
      />
      <Textarea
        size="xs"
        label="Why"
        description="Your colleague reads it, and it stays in the history"
        required
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <Checkbox
        size="xs"
        label="Also when they have no room"
        checked={force}
        onChange={(event) => setForce(event.currentTarget.checked)}
      />
    </FormDialog>
  );
}

export function EscalateDialog({ ticket, onClose }: Props) {
  const met = useMet(ticket);
  const [reason, setReason] = useState("");
  const act = useAct<undefined, unknown>({
    run: () => {
      const params = { path: { id: ticket.id }, header: { ...once(), ...ifMatch(ticket.version) } };
      return met(told(client.POST("/api/tickets/{id}/escalate", { params, body: { reason: reason.trim() } })));
    },
    changes: [ticketKey(ticket.id), QUEUE],
    isShownElsewhere: true,
    done: () => "The ticket was handed up",
    onDone: onClose,
  });
  return (
    <FormDialog
      title="Hand the ticket up"
      verb="Hand up"
      isReady={reason.trim() !== ""}
      isBusy={act.isPending}
      error={act.error}
      onClose={onClose}
      onSubmit={() => act.mutate(undefined)}
    >
      <Text size="sm">It goes to the person above its agent who has the least to do.</Text>
      <Textarea
        size="xs"
        label="Why"
        required
        data-autofocus
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </FormDialog>
  );
}

export function TagsDialog({ ticket, onClose }: Props) {
  const [tags, setTags] = useState(ticket.tags);
  const change = useChange(ticket);
  return (
    <FormDialog
      title="Tags"
      verb="Set the tags"
      isReady
      isBusy={change.isPending}
      error={change.error}
      onClose={onClose}
      onSubmit={() =>
        change.mutate(
          { change: { tags }, done: "The tags are set", undo: { tags: ticket.tags } },
          { onSuccess: onClose },
        )
      }
    >
      <TagsInput
        size="xs"
        label="Tags of this ticket"
        description="Enter adds one, Backspace takes the last away"
        data-autofocus
        value={tags}
        onChange={setTags}
      />
    </FormDialog>
  );
}

export function MergeDialog({ ticket, onClose, onOpen }: Props & { onOpen: (id: string) => void }) {
  const [words, setWords] = useState("");
  const [into, setInto] = useState<string | null>(null);
  const [isOther, setOther] = useState(false);
  const stale = useStale(ticket.id);
  const customer = ticket.customer;
  const found = useQuery({
    queryKey: [...QUEUE, "merge", ticket.id, words.trim()],
    queryFn: ({ signal }) =>
      words.trim().length >= 2
        ? toldAs<Page<Ticket>>(
            client.GET("/api/tickets/search", { params: { query: { q: words.trim(), limit: 10 } }, signal }),
          )
        : toldAs<Page<Ticket>>(
            client.GET("/api/tickets", {
              params: {
                query: {
                  order: "newest",
                  limit: 10,
                  ...(customer.id ? { customer_id: customer.id } : { customer_email: customer.email ?? "" }),
                },
              },
              signal,
            }),
          ),
    enabled: words.trim().length >= 2 || Boolean(customer.id || customer.email),
    placeholderData: keepPreviousData,
  });
  const act = useAct<undefined, { target_id: string }>({
    run: () =>
      told(
        client.POST("/api/tickets/{id}/merge", {
          params: { path: { id: ticket.id }, header: once() },
          body: { into: into ?? "", confirm_other_customer: isOther },
        }),
      ),
    changes: [["desk"]],
    isShownElsewhere: true,
    onDone: (merged) => {
      onClose();
      onOpen(merged.target_id);
      toast(`#${ticket.number} goes on here`, () => {
        const params = { path: { id: ticket.id }, header: once() };
        const taken = told(client.POST("/api/tickets/{id}/merge/undo", { params })).then(() => {
          onOpen(ticket.id);
          return stale();
        });
        void taken.catch(() => toast("It could not be taken back"));
      });
    },
  });
  const rows = found.data?.items.filter((row) => row.id !== ticket.id && !row.merged_into) ?? [];
  const isRefused = act.error instanceof Refusal && act.error.status === 409;
  return (
    <FormDialog
      title={`Merge #${ticket.number} into another ticket`}
      verb="Merge"
      isReady={into !== null}
      isBusy={act.isPending}
      error={act.error}
      onClose={onClose}
      onSubmit={() => act.mutate(undefined)}
    >
      <Text size="sm">Its messages go on in the other ticket. The customer hears nothing of it.</Text>
      <TextInput
        label="Find the other ticket"
        description="By number, words or address; without words the customer’s tickets are shown"
        data-autofocus
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
      />
      <Radio.Group size="xs" value={into} onChange={setInto} label="Into" aria-label="Into">
        <Stack gap={4} mt={4}>
          {rows.map((row) => (
            <Radio
              size="xs"
              key={row.id}
              value={row.id}
              label={`#${row.number} ${row.subject ?? "(no subject)"}`}
              description={`${row.customer.name ?? row.customer.email ?? ""} · ${row.status}`}
            />
          ))}
          {rows.length === 0 && (
            <Text size="sm" className="quiet">
              {found.isFetching ? "Looking…" : "No other ticket found."}
            </Text>
          )}
        </Stack>
      </Radio.Group>
      {isRefused && (
        <Checkbox
          size="xs"
          label="They are of different customers, and I mean it"
          checked={isOther}
          onChange={(event) => setOther(event.currentTarget.checked)}
        />
      )}
    </FormDialog>
  );
}

type SplitProps = Props & { message: Message; onOpen: (id: string) => void };

export function SplitDialog({ ticket, message, onClose, onOpen }: SplitProps) {
  const [subject, setSubject] = useState(ticket.subject ?? "");
  const act = useAct<undefined, { id: string; number: number }>({
    run: () =>
      told(
        client.POST("/api/tickets/{id}/split", {
          params: { path: { id: ticket.id }, header: once() },
          body: { message_id: message.id, subject: subject.trim() || null },
        }),
      ),
    changes: [["desk"]],
    isShownElsewhere: true,
    done: (made) => `Ticket #${made.number} was made`,
    onDone: (made) => {
      onClose();
      onOpen(made.id);
    },
  });
  return (
    <FormDialog
      title="Make it a ticket of its own"
      verb="Make the ticket"
      isReady
      isBusy={act.isPending}
      error={act.error}
      onClose={onClose}
      onSubmit={() => act.mutate(undefined)}
    >
      <div className="desk-message desk-text" dir="auto">
        {message.text.slice(0, 400)}
      </div>
      <TextInput
        label="Subject"
        data-autofocus
        maxLength={500}
        value={subject}
        onChange={(event) => setSubject(event.currentTarget.value)}
      />
    </FormDialog>
  );
}

type LaterProps = { title: string; verb: string; onClose: () => void; onPick: (at: string) => void };

export function LaterDialog({ title, verb, onClose, onPick }: LaterProps) {
  const [at, setAt] = useState(() => local(new Date(Date.now() + 7_200_000)));
  const time = new Date(at);
  const isReady = Number.isFinite(time.getTime()) && time.getTime() > Date.now();
  return (
    <FormDialog
      title={title}
      verb={verb}
      isReady={isReady}
      isBusy={false}
      error={null}
      onClose={onClose}
      onSubmit={() => onPick(time.toISOString())}
    >
      <TextInput
        type="datetime-local"
        label="When"
        description="By the clock of this computer"
        data-autofocus
        value={at}
        error={isReady ? null : "It has to lie ahead"}
        onChange={(event) => setAt(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
