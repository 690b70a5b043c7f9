// A job as it changes: the stream writes each change into the cache. A stream that is closed for good is opened again
// after a moment that is not the same for everybody.

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Job } from "../../api/shapes.ts";

export type Link = "live" | "catching up" | "ended";

const FINISHED = ["done", "dead", "cancelled"];

export function isFinished(state: string | undefined): boolean {
  return state !== undefined && FINISHED.includes(state);
}

export function useLiveJob(id: string, state: string | undefined): Link {
  const cache = useQueryClient();
  const [link, setLink] = useState<Link>("catching up");
  const isOver = isFinished(state);
  const isKnown = state !== undefined;
  useEffect(() => {
    if (isOver) {
      setLink("ended");
      return;
    }
    // A change has to find the job in the cache: one that ends before it was read would be running there for ever.
    if (!isKnown) return;
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    const open = () => {
      source = new EventSource(`/api/jobs/${id}/events`);
      const take = (event: MessageEvent) => {
        failures = 0;
        setLink("live");
        const change = JSON.parse(event.data) as Partial<Job>;
        cache.setQueryData<Job>(["job", id], (known) => (known ? { ...known, ...change } : known));
        if (isFinished(change.state)) {
          source?.close();
          void cache.invalidateQueries({ queryKey: ["job", id] });
          void cache.invalidateQueries({ queryKey: ["attempts", id] });
        }
      };
      for (const name of ["state", "progress", "message"]) source.addEventListener(name, take);
      source.onopen = () => setLink("live");
      source.onerror = () => {
        setLink("catching up");
        if (source?.readyState !== EventSource.CLOSED) return;
        failures += 1;
        timer = setTimeout(open, Math.min(15_000, 500 * 2 ** failures) * (0.5 + Math.random()));
      };
    };
    open();
    return () => {
      source?.close();
      clearTimeout(timer);
    };
  }, [id, isOver, isKnown, cache]);
  return link;
}
