// One person: what they are, may and can, what they have at hand, and the end of their shift or access.

import {
  Box,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  NumberInput,
  Stack,
  TagsInput,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import type { Agent as Person } from "../../parts/agents.ts";
import { Confirm } from "../../parts/Confirm.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { count, words } from "../../parts/format.ts";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { LinkOf } from "./Invite.tsx";
import { Load, Standing } from "./Standing.tsx";
import { ROLES, TEXTS } from "./texts.ts";

type Queued = components["schemas"]["QueuedTicket"];
type LinkView = components["schemas"]["LinkView"];

export function Agent() {
  const { id } = useParams({ strict: false }) as { id: string };
  const person = useQuery({
    queryKey: ["agents", id],
    queryFn: ({ signal }) => answer(client.GET("/api/agents/{id}", { params: { path: { id } }, signal })),
    refetchInterval: CALM_MS,
  });
  return (
    <Screen
      title={person.data?.name ?? TEXTS.title}
      note={
        person.data && (
          <Group gap="md">
            <Standing agent={person.data} />
            <span>{person.data.email}</span>
            <span>
              Last sign-in <Age at={person.data.last_login_at} />
            </span>
          </Group>
        )
      }
      queries={[person]}
    >
      <Body query={person}>
        {(known) => (
          <div className="columns">
            {/* What changed elsewhere begins anew; while nothing did, what is typed stays. */}
            <Edit key={known.version} person={known} />
            <AtHand person={known} />
          </div>
        )}
      </Body>
    </Screen>
  );
}

function Edit({ person }: { person: Person }) {
  const session = useQuery(sessionQuery);
  const mayChange = may(session.data, "agents:write");
  const [form, setForm] = useState({
    name: person.name,
    role: person.role ?? "agent",
    departments: person.departments,
    skills: person.skills,
    languages: person.languages,
    capacity: person.capacity,
    accepts_new_tickets: person.accepts_new_tickets,
  });
  const [asked, setAsked] = useState<"disable" | "shift" | null>(null);
  const [link, setLink] = useState<LinkView | null>(null);
  const set = (changes: Partial<typeof form>) => setForm((typed) => ({ ...typed, ...changes }));
  const path = { id: person.id };
  const patch = (body: components["schemas"]["AgentChange"]) =>
    answer(client.PATCH("/api/agents/{id}", { params: { path }, body }));
  const save = useAct({
    run: () => patch(form),
    changes: [["agents"]],
    done: () => TEXTS.saved,
    isShownElsewhere: true,
  });
  const access = useAct({
    run: (disabled: boolean) => patch({ disabled }),
    changes: [["agents"]],
    done: (_, disabled) => (disabled ? "Access has ended" : "Access is given back"),
    isShownElsewhere: true,
    onDone: () => setAsked(null),
  });
  const shift = useAct({
    run: () => answer(client.POST("/api/agents/{id}/logout", { params: { path }, body: {} })),
    changes: [["agents"]],
    done: () => "The shift has ended",
    isShownElsewhere: true,
    onDone: () => setAsked(null),
  });
  const makeLink = useAct({
    run: () => answer<LinkView>(client.POST("/api/auth/invitations", { body: { agent_id: person.id } })),
    changes: [],
    onDone: setLink,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate(undefined);
      }}
    >
      <Stack gap="md">
        <Box className="panel panel-pad">
          <fieldset className="plain" disabled={!mayChange}>
            <Stack gap="sm">
              <div className="form-grid">
                <TextInput
                  label={TEXTS.name}
                  required
                  maxLength={200}
                  value={form.name}
                  onChange={(event) => set({ name: event.currentTarget.value })}
                />
                <NativeSelect
                  label={TEXTS.role}
                  size="xs"
                  data={Object.entries(ROLES).map(([value, label]) => ({ value, label }))}
                  value={form.role}
                  onChange={(event) => set({ role: event.currentTarget.value })}
                />
                <TagsInput
                  label={TEXTS.departments}
                  size="xs"
                  value={form.departments}
                  onChange={(departments) => set({ departments })}
                />
                <TagsInput label={TEXTS.skills} size="xs" value={form.skills} onChange={(skills) => set({ skills })} />
                <TagsInput
                  label={TEXTS.languages}
                  description={TEXTS.languagesHint}
                  size="xs"
                  value={form.languages}
                  onChange={(languages) => set({ languages })}
                />
                <NumberInput
                  label={TEXTS.capacity}
                  description={TEXTS.capacityHint}
                  min={1}
                  max={50}
                  allowDecimal={false}
                  value={form.capacity}
                  onChange={(value) => set({ capacity: Number(value) || 1 })}
                />
              </div>
              <Checkbox
                size="sm"
                label={TEXTS.accepts}
                checked={form.accepts_new_tickets}
                disabled={form.role === "viewer"}
                onChange={(event) => set({ accepts_new_tickets: event.currentTarget.checked })}
              />
            </Stack>
          </fieldset>
        </Box>
        {save.isError && <Failure error={save.error} compact />}
        {mayChange && (
          <Group gap="xs">
            <Button type="submit" loading={save.isPending}>
              {TEXTS.save}
            </Button>
            {person.disabled_at ? (
              <Button variant="default" loading={access.isPending} onClick={() => access.mutate(false)}>
                {TEXTS.enable}
              </Button>
            ) : (
              <>
                <Button variant="default" loading={makeLink.isPending} onClick={() => makeLink.mutate(undefined)}>
                  {person.has_password ? TEXTS.linkReset : TEXTS.link}
                </Button>
                {person.availability !== "offline" && (
                  <Button variant="default" onClick={() => setAsked("shift")}>
                    {TEXTS.shiftEnd}
                  </Button>
                )}
                <Button variant="default" onClick={() => setAsked("disable")}>
                  {TEXTS.disable}
                </Button>
              </>
            )}
          </Group>
        )}
      </Stack>
      {asked && (
        <Confirm
          title={asked === "disable" ? `${TEXTS.disable}: ${person.name}` : `${TEXTS.shiftEnd}: ${person.name}`}
          what={asked === "disable" ? TEXTS.disableWhat : TEXTS.shiftEndWhat}
          verb={asked === "disable" ? TEXTS.disable : TEXTS.shiftEnd}
          isDestructive={asked === "disable"}
          needsReason={false}
          error={asked === "disable" ? access.error : shift.error}
          isBusy={access.isPending || shift.isPending}
          onClose={() => setAsked(null)}
          onConfirm={() => (asked === "disable" ? access.mutate(true) : shift.mutate(undefined))}
        />
      )}
      {link && (
        <Dialog onClose={() => setLink(null)} title={TEXTS.linkTitle}>
          <Stack gap="sm">
            <Text size="sm">{TEXTS.linkNote}</Text>
            <LinkOf link={link} />
          </Stack>
        </Dialog>
      )}
    </form>
  );
}

const COLUMNS: Column<Queued>[] = [
  {
    head: "Ticket",
    isWide: true,
    cell: (ticket) => (
      <Link to="/desk" search={{ ticket: ticket.id } as never}>
        #{ticket.number} {ticket.subject ?? "Without a subject"}
      </Link>
    ),
  },
  { head: "Priority", cell: (ticket) => words(ticket.priority) },
  { head: "Waits", cell: (ticket) => <Age at={ticket.waiting_since} /> },
  { head: "Units", isNumber: true, cell: (ticket) => count(ticket.units) },
];

function AtHand({ person }: { person: Person }) {
  const list = usePages<Queued>(
    ["agents", person.id, "queue"],
    (cursor, signal) =>
      answer(
        client.GET("/api/agents/{id}/queue", {
          params: { path: { id: person.id }, query: { cursor, limit: 20 } },
          signal,
        }),
      ),
    CALM_MS,
  );
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={2} size="h5">
          {TEXTS.work}
        </Title>
        <Load agent={person} />
      </Group>
      <Body query={list.query} rows={3}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.work}
              columns={COLUMNS}
              rows={list.rows}
              rowKey={(ticket) => ticket.id}
              onMore={list.onMore}
            />
          ) : (
            <Empty title={TEXTS.workNone}>{TEXTS.workNoneNote}</Empty>
          )
        }
      </Body>
    </Stack>
  );
}
