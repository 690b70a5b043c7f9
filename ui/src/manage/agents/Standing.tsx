// How a person stands at the moment, in a word.

import type { Agent } from "../../parts/agents.ts";
import { words } from "../../parts/format.ts";
import { State } from "../../parts/State.tsx";

export function Standing({ agent }: { agent: Agent }) {
  if (agent.disabled_at) return <State name="gone">No access</State>;
  if (!agent.has_password)
    return (
      <State name="invited" tone="calm">
        Invited
      </State>
    );
  if (agent.availability === "offline") return <State name="offline">Offline</State>;
  if (!agent.is_present) return <State name="away">Not connected</State>;
  return (
    <State name={agent.availability} tone={agent.availability === "online" ? "good" : "warn"}>
      {words(agent.availability)}
    </State>
  );
}

export function Load({ agent }: { agent: Agent }) {
  const share = agent.load / Math.max(1, agent.capacity);
  return (
    <div className="load">
      <span className="nowrap">
        {agent.load} of {agent.capacity}
      </span>
      <div className="bar" aria-hidden="true">
        <span style={{ width: `${Math.min(100, share * 100)}%` }} data-full={share >= 1 ? "yes" : undefined} />
      </div>
    </div>
  );
}
