// What the desk asks the API for, and under which names the answers are kept.

import { infiniteQueryOptions, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef } from "react";
import { client } from "../api/client.ts";
import { isOnlyNotice } from "../shell/notices/notices.ts";
import { sessionQuery } from "../shell/session.ts";
import { told, toldAs } from "./calls.ts";
import { hear } from "./live/presence.ts";
import { type Told, useEvents } from "./live/stream.ts";
import type { Advice, Agent, Draft, ExplainedClock, Opened, Score } from "./shapes.ts";

const of = (id: string) => ({ params: { path: { id } } });

/** Changed by a ticket's own events. */
export const ticketKey = (id: string) => ["desk", "ticket", id];
export const QUEUE = ["desk", "queue"];

export const ticketQuery = (id: string) =>
  queryOptions({
    queryKey: [...ticketKey(id), "opened"],
    queryFn: ({ signal }) => toldAs<Opened>(client.GET("/api/tickets/{id}", { ...of(id), signal })),
  });

/** Messages and notes, the newest page first. */
export const messagesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: [...ticketKey(id), "messages"],
    queryFn: ({ pageParam, signal }) =>
      told(
        client.GET("/api/tickets/{id}/messages", {
          params: { path: { id }, query: { notes: true, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const scoreQuery = (id: string) =>
  queryOptions({
    queryKey: [...ticketKey(id), "score"],
    queryFn: ({ signal }) => toldAs<Score>(client.GET("/api/tickets/{id}/score", { ...of(id), signal })),
  });

export const clocksQuery = (id: string) =>
  queryOptions({
    queryKey: [...ticketKey(id), "clocks"],
    queryFn: ({ signal }) =>
      toldAs<{ clocks: ExplainedClock[] }>(client.GET("/api/sla/tickets/{id}", { ...of(id), signal })),
  });

export const draftsQuery = (id: string) =>
  queryOptions({
    queryKey: [...ticketKey(id), "drafts"],
    queryFn: ({ signal }) =>
      toldAs<{ items: Draft[] }>(client.GET("/api/ai/tickets/{id}/drafts", { ...of(id), signal })),
  });

type AdviceAnswer = Advice | { job_id: string; stale_recommendation?: Advice };

export const adviceQuery = (id: string) =>
  queryOptions({
    queryKey: [...ticketKey(id), "advice"],
    queryFn: async ({ signal }): Promise<{ advice: Advice | null; isBeingMade: boolean }> => {
      const answer = await toldAs<AdviceAnswer>(client.GET("/api/ai/tickets/{id}/recommend", { ...of(id), signal }));
      if ("actions" in answer) return { advice: answer, isBeingMade: false };
      return { advice: answer.stale_recommendation ?? null, isBeingMade: true };
    },
    // The event of the job says when it is there; this is for when that is missed.
    refetchInterval: (query) => (query.state.data?.isBeingMade ? 5_000 : false),
  });

export const agentsQuery = queryOptions({
  queryKey: ["desk", "agents"],
  queryFn: ({ signal }) =>
    toldAs<{ items: Agent[] }>(client.GET("/api/agents", { params: { query: { limit: 100 } }, signal })),
  staleTime: 60_000,
});

/** Who is signed in: their id as an agent; undefined for a program. */
export function useMe(): Agent | undefined {
  const session = useQuery(sessionQuery);
  const me = useQuery({
    queryKey: ["desk", "me"],
    queryFn: ({ signal }) => told(client.GET("/api/agents/me", { signal })) as Promise<Agent>,
    enabled: session.data?.isKey === false,
    staleTime: 300_000,
  });
  return me.data;
}

export function useNames(): (id: string | null | undefined) => string {
  const agents = useQuery(agentsQuery);
  return (id) => agents.data?.items.find((agent) => agent.id === id)?.name ?? "somebody";
}

const AT_MOST_EVERY_MS = 1_000;
const TOGETHER_MS = 50;

/** Keeps every answer of the desk true while it is open: by version, at most once a second for lists. */
export function useDeskEvents() {
  const cache = useQueryClient();
  const waiting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const asked = useRef(0);
  useEvents(
    useCallback(
      (news: Told) => {
        if (news.kind === "reload") {
          void cache.invalidateQueries({ queryKey: ["desk"] });
          return;
        }
        const { event } = news;
        if (event.kind === "typing" || event.kind === "viewing") {
          hear(event);
          return;
        }
        // Said to a person by the shell; no ticket is another for it.
        if (isOnlyNotice(event.kind)) return;
        if (event.kind === "agent_status") {
          void cache.invalidateQueries({ queryKey: agentsQuery.queryKey });
          return;
        }
        if (event.ticket_id) {
          const known = cache.getQueryData(ticketQuery(event.ticket_id).queryKey)?.version ?? -1;
          const version = typeof event.data.version === "number" ? event.data.version : Number.POSITIVE_INFINITY;
          // What this tab did itself is known already.
          if (version > known) void cache.invalidateQueries({ queryKey: ticketKey(event.ticket_id) });
        } else if (event.kind === "job_done") {
          void cache.invalidateQueries({ predicate: ({ queryKey }) => /^(drafts|advice)$/.test(String(queryKey[3])) });
        }
        // The first of several at once, the others together a second later.
        const rest = AT_MOST_EVERY_MS - (Date.now() - asked.current);
        waiting.current ??= setTimeout(
          () => {
            waiting.current = undefined;
            asked.current = Date.now();
            void cache.invalidateQueries({ queryKey: QUEUE });
          },
          Math.max(TOGETHER_MS, rest),
        );
      },
      [cache],
    ),
  );
}
