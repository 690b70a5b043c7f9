// The words of the screen of queues.

export const TEXTS = {
  title: "Queues",
  note: "What waits, what runs, and how fast it goes. Rates are means of the last five minutes.",
  empty: "No queue is known",
  emptyNote: "They come with the kinds of jobs that the api knows.",
  pause: "Pause",
  resume: "Resume",
  drain: "Drain",
  slots: "Slots",
  pauseWhat: "What runs goes on; nothing more is started until you resume it.",
  drainWhat: "Everything that waits in this queue is cancelled. What runs is left alone. This cannot be taken back.",
  drainKinds: "What would be cancelled, by kind",
  slotsWhat: "How many jobs of this queue each worker runs at once. Without a number each worker keeps its own.",
};
