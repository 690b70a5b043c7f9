// What there is to choose from: out of the vocabulary of rules, or what the shop has.

import { queryOptions, useQuery } from "@tanstack/react-query";
import { answer, answerAs, client } from "../../api/client.ts";
import { LANGUAGES } from "../../parts/languages.ts";
import { everyPage } from "../../parts/pages.ts";
import { macroNames } from "../macros/calls.ts";
import type { Field, Words } from "./calls.ts";
import { asItIs, type Choice, type Choices, change, named } from "./choices.ts";
import type { Names } from "./said.ts";
import type { Need } from "./texts.ts";

const tagNames = queryOptions({
  queryKey: ["tickets", "tags", "names"],
  queryFn: async ({ signal }) => {
    const all = await everyPage((cursor) =>
      answer(client.GET("/api/tickets/tags", { params: { query: { cursor, limit: 100 } }, signal })),
    );
    return all.map(({ tag }) => tag);
  },
  staleTime: 60_000,
});

/** Those who work here now. */
const agentNames = queryOptions({
  queryKey: ["agents", "names"],
  queryFn: async ({ signal }) => {
    const all = await everyPage((cursor) =>
      answer(client.GET("/api/agents", { params: { query: { cursor, limit: 100 } }, signal })),
    );
    return all.map(({ id, name }) => ({ value: id, label: name }));
  },
  staleTime: 60_000,
});

const archetypeNames = queryOptions({
  queryKey: ["archetypes", "names"],
  queryFn: async ({ signal }) => {
    const page = await answerAs<{ items: { id: string; name: string }[] }>(
      client.GET("/api/intelligence/archetypes", { signal }),
    );
    return page.items.map(({ id, name }) => ({ value: id, label: name }));
  },
  staleTime: 60_000,
});

/** What can be chosen for a field; null where anything can be, or while that is not known yet. */
export function useFieldChoices(field: Field | undefined, vocabulary: Words): Choices | null {
  const name = field?.name ?? "";
  const agents = useQuery({ ...agentNames, enabled: name === "assignee" });
  const tags = useQuery({ ...tagNames, enabled: name === "tags" || name === "added_tags" });
  const archetypes = useQuery({ ...archetypeNames, enabled: name === "customer_archetype" });
  switch (name) {
    case "assignee":
      return closed(agents.data);
    case "customer_archetype":
      // Before the first run there are none, and a name that is typed is as good.
      return archetypes.data?.length ? closed(archetypes.data) : null;
    case "tags":
    case "added_tags":
      return tags.data ? { list: tags.data.map(asItIs), isOpen: true } : null;
    case "language":
      return closed(LANGUAGES);
  }
  if (field?.kind === "flag") return closed(["yes", "no"].map(named));
  if (field && field.choices.length > 0) return closed(field.choices.map(name.startsWith("custom.") ? asItIs : named));
  const listed = vocabulary.values[name];
  if (!listed) return null;
  const isOwn = name === "department" || name === "skills";
  return closed(listed.map(isOwn ? asItIs : name === "changed" ? change : named));
}

/** What a part of an act can be; null while that is not known yet. */
export function useActChoices(kind: Need, vocabulary: Words): Choices | null {
  const isPerson = kind === "agent" || kind === "maybe-agent";
  const agents = useQuery({ ...agentNames, enabled: isPerson });
  const macros = useQuery({ ...macroNames, enabled: kind === "macro" });
  const tags = useQuery({ ...tagNames, enabled: kind === "tags" });
  const choicesOf = (field: string) => vocabulary.fields.find((each) => each.name === field)?.choices ?? [];
  if (isPerson) return closed(agents.data);
  if (kind === "macro") return closed(macros.data?.map(({ id, name }) => ({ value: id, label: name })));
  if (kind === "tags") return tags.data ? { list: tags.data.map(asItIs), isOpen: true } : null;
  if (kind === "priority" || kind === "status") return closed(choicesOf(kind).map(named));
  if (kind === "department" || kind === "skills") return closed((vocabulary.values[kind] ?? []).map(asItIs));
  return null;
}

/** What people and macros are called, by their ids. */
export function useNames(): Names {
  const agents = useQuery(agentNames);
  const macros = useQuery(macroNames);
  return (id) =>
    agents.data?.find((agent) => agent.value === id)?.label ?? macros.data?.find((macro) => macro.id === id)?.name;
}

const closed = (list: Choice[] | undefined): Choices | null => (list ? { list, isOpen: false } : null);
