// Workers in the order in which an operator looks for them, and what of their last beat still holds.

import type { Worker } from "../../api/shapes.ts";

const STATES = ["active", "draining", "lost", "stopped"];

/** Who works comes first, who stopped last; of one state who started last comes first. */
export function inOrder<T extends Pick<Worker, "state" | "started_at">>(workers: T[]): T[] {
  const place = ({ state }: T) => {
    const at = STATES.indexOf(state);
    return at === -1 ? STATES.length : at;
  };
  return workers.toSorted(
    (one, other) => place(one) - place(other) || Date.parse(other.started_at) - Date.parse(one.started_at),
  );
}

/** How many jobs it runs. What one that is gone ran at its last beat, it runs no more. */
export function runningOf(worker: Pick<Worker, "state" | "running">): number {
  return worker.state === "lost" || worker.state === "stopped" ? 0 : worker.running;
}
