// What a person says of themselves: there, busy, away, or not at work. Who is offline gets no ticket, and what waits with
// them is offered again.

import { Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer, client } from "../api/client.ts";
import type { components } from "../api.d.ts";
import { useAct } from "../parts/act.tsx";

type Word = components["schemas"]["Availability"];

const WORDS: Record<Word, string> = {
  online: "Here, and take tickets",
  busy: "Busy, no new tickets",
  away: "Away for a while",
  offline: "Not at work",
};
const KEY = ["desk", "me"];

export function Availability() {
  const me = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => answer(client.GET("/api/agents/me", { signal })),
    staleTime: 30_000,
  });
  const say = useAct({
    run: (availability: Word) => answer(client.PATCH("/api/agents/me", { body: { availability } })),
    changes: [KEY, ["agents"], ["live"]],
    done: (_, availability) => `You are shown as: ${WORDS[availability].toLowerCase()}`,
  });
  if (!me.data) return null;
  return (
    <>
      <Menu.RadioGroup value={me.data.availability} onChange={(word) => say.mutate(word as Word)}>
        {(Object.keys(WORDS) as Word[]).map((word) => (
          <Menu.RadioItem key={word} value={word} disabled={say.isPending} closeMenuOnClick>
            {WORDS[word]}
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
      <Menu.Divider />
    </>
  );
}
