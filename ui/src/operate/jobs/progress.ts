// How far a job came. The last step is seldom written down, because a job ends with it.

import type { Progress } from "../../api/shapes.ts";

/** What is done of a job in this state: of one that succeeded everything, whatever it told last. */
export function reached(state: string, told: Progress): Progress {
  if (state !== "done" || !told.total) return told;
  return { done: told.total, total: told.total };
}
