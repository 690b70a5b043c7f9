// The words of the screen of workers.

export const TEXTS = {
  title: "Workers",
  note: "Who is alive or was within a day, and what each holds at this moment.",
  empty: "No worker has been seen within a day",
  emptyNote: "Nothing runs until one is started.",
  nothing: "Nothing",
  lost: "Nothing: its jobs are handed out again",
};
