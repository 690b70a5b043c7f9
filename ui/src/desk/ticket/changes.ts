// Changing a ticket: on what was looked at, with the way back in a toast.

import { useQueryClient } from "@tanstack/react-query";
import { client } from "../../api/client.ts";
import { Problem } from "../../api/problem.ts";
import { toast, useAct } from "../../parts/act.tsx";
import { ifMatch, once, Refusal, told } from "../calls.ts";
import { QUEUE, ticketKey, ticketQuery, useNames } from "../queries.ts";
import type { Opened, TicketChange } from "../shapes.ts";
import { meanwhile } from "./meanwhile.ts";

type Wanted = { change: TicketChange; done: string; undo?: TicketChange | undefined };

/** The queue and the ticket are no longer true. */
export function useStale(id: string) {
  const cache = useQueryClient();
  return () =>
    Promise.all([cache.invalidateQueries({ queryKey: ticketKey(id) }), cache.invalidateQueries({ queryKey: QUEUE })]);
}

/** A request about a ticket as it was looked at. When it is another by now, that is what is shown, and said. */
export function useMet(ticket: Opened) {
  const stale = useStale(ticket.id);
  const name = useNames();
  return async <T>(request: Promise<T>): Promise<T> => {
    try {
      return await request;
    } catch (error) {
      if (!(error instanceof Refusal) || !/^(conflict|not-now)$/.test(error.kind)) throw error;
      void stale();
      const words = meanwhile(error.document, ticket, name);
      // What nobody came between is refused for a reason of its own, which it says.
      if (words === null) throw error;
      throw new Refusal(new Problem("conflict", words, error), error.document);
    }
  };
}

export function useChange(ticket: Opened) {
  const met = useMet(ticket);
  const stale = useStale(ticket.id);
  const cache = useQueryClient();
  const patch = async (change: TicketChange, version: number | null) => {
    const params = { path: { id: ticket.id }, header: version === null ? {} : ifMatch(version) };
    const changed = await met(told(client.PATCH("/api/tickets/{id}", { params, body: change })));
    cache.setQueryData(ticketQuery(ticket.id).queryKey, (old) => (old ? { ...old, ...changed } : old) as Opened);
    return changed;
  };
  return useAct<Wanted, unknown>({
    run: ({ change }) => patch(change, ticket.version),
    changes: [ticketKey(ticket.id), QUEUE],
    done: (_, { done, undo }) => {
      // The way back is a change like any other, made on whatever the ticket is by then.
      if (undo) toast(done, () => void patch(undo, null).then(stale, () => toast("It could not be taken back")));
      return undo ? null : done;
    },
  });
}

type Step = "claim" | "unassign" | "accept";

/** Taking a ticket, and putting it back. */
export function useOwner(ticket: Opened) {
  const met = useMet(ticket);
  const run = async (step: Step) => {
    const path = { id: ticket.id };
    const params = { path, header: { ...once(), ...ifMatch(ticket.version) } };
    if (step === "claim") return told(client.POST("/api/tickets/{id}/claim", { params, body: {} }));
    if (step === "accept") return told(client.POST("/api/tickets/{id}/accept", { params, body: {} }));
    return told(client.POST("/api/tickets/{id}/unassign", { params, body: {} }));
  };
  const words: Record<Step, string> = {
    claim: "The ticket is yours",
    accept: "You work on it",
    unassign: "The ticket is back in the queue",
  };
  return useAct<Step, unknown>({
    run: (step) => met(run(step)),
    changes: [ticketKey(ticket.id), QUEUE],
    done: (_, step) => words[step],
    undo: (step) => {
      const params = { path: { id: ticket.id }, header: once() };
      return step === "unassign"
        ? told(client.POST("/api/tickets/{id}/claim", { params, body: {} }))
        : told(client.POST("/api/tickets/{id}/unassign", { params, body: {} }));
    },
  });
}
