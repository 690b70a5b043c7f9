// The words of the screens of jobs.

export const TEXTS = {
  title: "Jobs",
  note: "Newest first. An id that you paste leads straight to the job.",
  empty: "No job matches",
  emptyNote: "Take a filter away, or look further back.",
  cancel: "Cancel job",
  cancelWhat: "What waits is cancelled at once; what runs is asked to stop and ends within seconds.",
  story: "What happened",
  hidden: "Your key may not see what this kind of job reads and writes; it lacks the scope",
};

export const STATES = ["scheduled", "ready", "running", "retrying", "done", "dead", "cancelled"];
