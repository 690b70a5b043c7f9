// Drafts: variants of tone and length, taken over, sent as they are, or written anew. One that has not seen the last
// message is marked and cannot be used.

import { Badge, Button, Group, Select, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { answerAs, client } from "../../api/client.ts";
import { Problem } from "../../api/problem.ts";
import type { Job } from "../../api/shapes.ts";
import { isFinished } from "../../operate/jobs/live.ts";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { words } from "../../parts/format.ts";
import { useKeys } from "../../shell/keys.ts";
import { ifMatch, once, Refusal, told } from "../calls.ts";
import { draftsQuery, QUEUE, ticketKey } from "../queries.ts";
import type { Draft, Opened } from "../shapes.ts";
import { TEXTS } from "../texts.ts";
import { besideDraft } from "./beside.ts";
import { useStale } from "./changes.ts";
import { writing } from "./writing.ts";

const TONES = ["friendly", "professional", "empathetic", "apologetic"] as const;
const LENGTHS = ["short", "medium", "long"] as const;
type Tone = (typeof TONES)[number];
type Length = (typeof LENGTHS)[number];

const LOOK_MS = 3_000;

type Props = {
  ticket: Opened;
  lastSeen: string | null;
  onTake: (draft: Draft) => void;
  onSent: (message: string, text: string, lacks: string | null | undefined) => void;
};

export function DraftPart({ ticket, lastSeen, onTake, onSent }: Props) {
  const cache = useQueryClient();
  const drafts = useQuery(draftsQuery(ticket.id));
  // The job that was asked for a draft, looked at until it is over.
  const [asked, setAsked] = useState<string | null>(null);
  const job = useQuery({
    queryKey: ["job", asked],
    queryFn: ({ signal }) =>
      answerAs<Job>(client.GET("/api/jobs/{id}", { params: { path: { id: asked ?? "" } }, signal })),
    enabled: asked !== null,
    refetchInterval: ({ state }) => (isFinished(state.data?.state) || state.error instanceof Problem ? false : LOOK_MS),
  });
  const { isWriting, why } = writing(asked !== null, job.data, job.isError);
  const isOver = isFinished(job.data?.state);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it is over
  useEffect(() => {
    if (isOver) void cache.invalidateQueries({ queryKey: draftsQuery(ticket.id).queryKey });
  }, [isOver]);
  const [picked, setPicked] = useState(0);
  const [isOpen, setOpen] = useState(false);
  useKeys({ draft: () => setOpen(!isOpen) });
  const [tone, setTone] = useState<Tone | null>(null);
  const [length, setLength] = useState<Length | null>(null);
  const items = drafts.data?.items.filter((draft) => !draft.sent_at) ?? [];
  const draft = items[Math.min(picked, items.length - 1)];
  const isUnderWay = ticket.pending?.some((one) => one.what === "draft") ?? false;
  const ask = useAct<undefined, { jobs: { job_id: string }[] }>({
    run: () =>
      told(
        client.POST("/api/ai/tickets/{id}/drafts", {
          params: { path: { id: ticket.id }, header: once() },
          body: { variants: [{ ...(tone ? { tone } : {}), ...(length ? { length } : {}) }] },
        }),
      ),
    changes: [],
    onDone: ({ jobs }) => {
      setAsked(jobs[0]?.job_id ?? null);
      setPicked(0);
    },
  });
  const take = useAct<Draft, Draft>({
    run: (chosen) =>
      told(
        client.POST("/api/ai/tickets/{id}/drafts/{draft_id}/accept", {
          params: {
            path: { id: ticket.id, draft_id: chosen.id },
            header: { ...ifMatch(chosen.version), ...once() },
          },
          body: {},
        }),
      ),
    changes: [draftsQuery(ticket.id).queryKey],
    onDone: onTake,
  });
  const send = useAct<Draft, { message_id: string; not_sent_because?: string | null }>({
    run: (chosen) =>
      told(
        client.POST("/api/ai/tickets/{id}/drafts/{draft_id}/send", {
          params: {
            path: { id: ticket.id, draft_id: chosen.id },
            header: { ...ifMatch(chosen.version), ...once() },
          },
          body: { last_seen_message_id: lastSeen },
        }),
      ),
    changes: [ticketKey(ticket.id), QUEUE],
    isShownElsewhere: true,
    onDone: (sent, chosen) => onSent(sent.message_id, chosen.reply, sent.not_sent_because),
  });
  const stale = useStale(ticket.id);
  const judge = useAct<"up" | "down", unknown>({
    run: (thumb) =>
      told(
        client.PUT("/api/ai/tickets/{id}/drafts/{draft_id}/feedback", {
          params: { path: { id: ticket.id, draft_id: draft?.id ?? "" } },
          body: { thumb },
        }),
      ),
    changes: [draftsQuery(ticket.id).queryKey],
    done: () => "Noted",
  });
  return (
    <details className="desk-draft" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <strong>{TEXTS.draft}</strong>{" "}
        <span className="quiet small">
          {isWriting || (isUnderWay && !draft)
            ? TEXTS.draftWriting
            : draft
              ? excerpt(draft, items.length)
              : TEXTS.draftNone}
        </span>
      </summary>
      {drafts.isError && <Failure error={drafts.error} onRetry={() => void drafts.refetch()} compact />}
      {draft && (
        <>
          <Group gap={6} mt={4}>
            {items.slice(0, 6).map((each, place) => (
              <Button
                key={each.id}
                size="compact-xs"
                variant={each.id === draft.id ? "filled" : "default"}
                aria-pressed={each.id === draft.id}
                onClick={() => setPicked(place)}
              >
                {words(each.tone)}, {each.length}
                {each.stale ? " (stale)" : ""}
              </Button>
            ))}
            {draft.stale && (
              <Badge color="orange" variant="outline">
                Stale
              </Badge>
            )}
          </Group>
          {draft.stale && (
            <Text size="sm" mt={4}>
              {TEXTS.draftStale}
            </Text>
          )}
          <div className="desk-text" dir="auto">
            {draft.reply}
          </div>
          <BesideDraft draft={draft} />
          <Group gap={6} mt={6}>
            <Button disabled={draft.stale} loading={take.isPending} onClick={() => take.mutate(draft)}>
              {TEXTS.draftUse}
            </Button>
            <Button
              variant="default"
              disabled={draft.stale}
              loading={send.isPending}
              onClick={() => send.mutate(draft, { onError: (error) => isMet(error) && void stale() })}
            >
              {TEXTS.draftSend}
            </Button>
            <Button
              variant="subtle"
              size="compact-xs"
              aria-pressed={draft.thumb === 1}
              onClick={() => judge.mutate("up")}
            >
              {draft.thumb === 1 ? "Good ✓" : "Good"}
            </Button>
            <Button
              variant="subtle"
              size="compact-xs"
              aria-pressed={draft.thumb === -1}
              onClick={() => judge.mutate("down")}
            >
              {draft.thumb === -1 ? "Bad ✓" : "Bad"}
            </Button>
          </Group>
        </>
      )}
      {isMet(send.error) ? (
        <Text size="sm" mt={6} role="alert">
          {TEXTS.draftMet}
        </Text>
      ) : send.error ? (
        <Failure error={send.error} compact />
      ) : null}
      {why && (
        <Text size="sm" mt={6} role="alert">
          {TEXTS.draftNotWritten} {why}.
        </Text>
      )}
      {job.isError && <Failure error={job.error} onRetry={() => void job.refetch()} compact />}
      <Group gap={6} mt={8}>
        <Select
          aria-label="Tone"
          placeholder="Any tone"
          clearable
          data={TONES.map((value) => ({ value, label: words(value) }))}
          value={tone}
          onChange={(value) => setTone(value as Tone | null)}
          w={140}
        />
        <Select
          aria-label="Length"
          placeholder="Any length"
          clearable
          data={LENGTHS.map((value) => ({ value, label: words(value) }))}
          value={length}
          onChange={(value) => setLength(value as Length | null)}
          w={120}
        />
        <Button variant="default" loading={ask.isPending || isWriting} onClick={() => ask.mutate(undefined)}>
          {TEXTS.draftAgain}
        </Button>
      </Group>
    </details>
  );
}

/** The articles that its drafter had, and what it says of its own work. */
function BesideDraft({ draft }: { draft: Draft }) {
  const { articles, remarks } = besideDraft(draft);
  return (
    <>
      {articles.length > 0 && (
        <ul className="desk-list" aria-label={TEXTS.draftArticles}>
          {articles.map((article) => (
            <li key={article.id} dir="auto">
              {article.isUsed ? TEXTS.draftUses : TEXTS.draftHad}:{" "}
              <Link to="/manage/articles/$id" params={{ id: article.id }}>
                {article.title}
              </Link>{" "}
              <span className="quiet">version {article.version}</span>
            </li>
          ))}
        </ul>
      )}
      {remarks.length > 0 && (
        <ul className="desk-list quiet" aria-label={TEXTS.draftRemarks}>
          {remarks.map((remark) => (
            <li key={remark} dir="auto">
              {remark}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** Whether it was refused because something was added that its sender had not seen. */
function isMet(error: unknown): boolean {
  return error instanceof Refusal && error.status === 409 && error.field === "last_seen_message_id";
}

/** The one line that stands for what is folded away. */
function excerpt(draft: Draft, variants: number): string {
  const others = variants > 1 ? `, ${variants - 1} more` : "";
  if (draft.stale) return `written before the last message${others}`;
  return `${words(draft.tone).toLowerCase()}, ${draft.length}${others}: ${draft.reply.replaceAll(/\s+/g, " ").slice(0, 80)}…`;
}
