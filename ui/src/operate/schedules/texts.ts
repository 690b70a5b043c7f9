// The words of the screen of schedules.

export const TEXTS = {
  title: "Schedules",
  note: "What runs by the clock. A name leads to the jobs that it made.",
  empty: "No schedule",
  emptyNote: "They come with the cluster: when none is here, the scheduler has not begun yet.",
  history: "The jobs of this kind",
  trigger: "Run now",
  triggerWhat: "It runs once now, besides its times. Its times stay as they are.",
};
