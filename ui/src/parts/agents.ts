// The people of the desk by name, for every screen that shows whose something is.

import { queryOptions, useQuery } from "@tanstack/react-query";
import { answer, client } from "../api/client.ts";
import type { components } from "../api.d.ts";

export type Agent = components["schemas"]["AgentView"];

/** Those who were disabled too: what they did stays theirs. */
export const allAgents = queryOptions({
  queryKey: ["agents", "all"],
  queryFn: ({ signal }) =>
    answer(client.GET("/api/agents", { params: { query: { limit: 100, include_disabled: true } }, signal })),
  staleTime: 60_000,
});

export function useAgentNames(): (id: string | null | undefined) => string {
  const agents = useQuery(allAgents);
  return (id) => {
    if (!id) return "Nobody";
    return agents.data?.items.find((agent) => agent.id === id)?.name ?? "Somebody";
  };
}
