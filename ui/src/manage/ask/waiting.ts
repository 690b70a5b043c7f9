// What an unanswered question waits for, in words, and how much longer, from the job that answers it.

import type { Failure, Job, Progress } from "../../api/shapes.ts";
import { count, since, words } from "../../parts/format.ts";
import { WAITS } from "./texts.ts";

export function waitsFor(job: Job, now: number): string {
  if (job.cancel_reason) return "It is being stopped.";
  const failure = job.error as Failure | null;
  switch (job.state) {
    case "ready":
      if (job.waits_for_slot) return "Others’ questions go first: only a few are answered at once.";
      if (job.queue_position) {
        return job.queue_position === 1
          ? "One job stands before it."
          : `${count(job.queue_position)} jobs stand before it.`;
      }
      return "It is next.";
    case "scheduled":
    case "retrying": {
      const why = failure?.class ? (WAITS[failure.class] ?? words(failure.class)) : "It waits";
      return `${why}. It goes on ${Date.parse(job.run_at) > now ? since(job.run_at, now) : "now"}.`;
    }
    case "running":
      return progress(job.progress as Progress | null);
    default:
      return "";
  }
}

function progress(known: Progress | null): string {
  if (!known?.message) return "Looking things up.";
  const [what = "", tool] = known.message.split(": ");
  const said = `${what.charAt(0).toUpperCase()}${what.slice(1)}${tool ? `: ${words(tool).toLowerCase()}` : ""}`;
  return known.total && known.done ? `${said} (round ${known.done} of ${known.total} at most).` : `${said}.`;
}

/** An answer that nobody waits for with a job in hand comes within this time, or not at all. */
const LOST_AFTER_MS = 15 * 60_000;

export function isLost(askedAt: string, now: number): boolean {
  return now - Date.parse(askedAt) > LOST_AFTER_MS;
}
