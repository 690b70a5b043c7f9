// A draft that was asked for, by the job that writes it: whether it is still being written, and why there is none.

import type { Failure, Job } from "../../api/shapes.ts";
import { isFinished } from "../../operate/jobs/live.ts";

type Told = Pick<Job, "state" | "cancel_reason" | "error">;

/** `asked` is whether somebody waits for a draft; `job` is what is known of its job, `isLost` when that cannot be known. */
export function writing(
  asked: boolean,
  job: Told | undefined,
  isLost: boolean,
): { isWriting: boolean; why: string | null } {
  if (!asked || isLost || isFinished(job?.state)) return { isWriting: false, why: asked && job ? reason(job) : null };
  return { isWriting: true, why: null };
}

/** Why a job that is over wrote none, as a part of a sentence; null of one that did, or that is not over. */
function reason(job: Told): string | null {
  if (job.state === "cancelled") return (job.cancel_reason ?? "it was cancelled").replace(/^no draft is written: /, "");
  if (job.state === "dead") return (job.error as Failure | null)?.message ?? "it failed";
  return null;
}
