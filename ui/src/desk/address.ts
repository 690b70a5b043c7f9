// The address of a ticket within the view that is open: the conversation first.

export function ticketAddress(search: Record<string, string>, ticket: string): Record<string, string> {
  const { pane: _, ...rest } = search;
  return { ...rest, ticket };
}
