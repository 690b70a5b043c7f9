// The views of the queue, and what each asks for.

export type View = {
  id: string;
  name: string;
  /** Only for somebody who has tickets. */
  isPersonal?: boolean;
  query: Record<string, string | boolean>;
};

export const VIEWS: View[] = [
  { id: "all", name: "All open", query: { order: "smart", snoozed: false } },
  { id: "mine", name: "Mine", isPersonal: true, query: { order: "smart", assignee: "me", snoozed: false } },
  { id: "unassigned", name: "Unassigned", query: { order: "smart", unassigned: true, snoozed: false } },
  { id: "waiting", name: "Waiting longest", query: { order: "oldest_waiting", status: "open", snoozed: false } },
  { id: "risk", name: "At risk", query: { order: "due", sla_state: "at_risk" } },
  { id: "overdue", name: "Overdue", query: { order: "due", sla_state: "breached" } },
  { id: "asleep", name: "Asleep", query: { order: "smart", snoozed: true } },
  { id: "done", name: "Resolved", query: { order: "updated", status: "resolved,closed" } },
];

export function viewOf(id: string | undefined): View {
  return VIEWS.find((view) => view.id === id) ?? (VIEWS[0] as View);
}
