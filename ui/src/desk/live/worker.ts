// The worker that all tabs share: one connection for all of them, because a browser has six to one address. It ends with
// the last tab that listens.

import { type Link, Source, type Told } from "./source.ts";

export type ToTab = { link: Link } | { told: Told } | { isBarred: true };
/** A tab that is at the desk, one that only listens, and one that does neither any more. */
export type FromTab = "there" | "listening" | "bye";

/** What the global of such a worker has; the types of a page do not know it. */
type Scope = {
  onconnect: ((event: MessageEvent) => void) | null;
  addEventListener: (name: "securitypolicyviolation", heard: () => void) => void;
};
const scope = self as unknown as Scope;

/** Each tab, whether it is at the desk, and whether it has to load everything when the connection stands. */
const tabs = new Map<MessagePort, { isThere: boolean; isFresh: boolean }>();
const isSomebodyThere = () => [...tabs.values()].some((standing) => standing.isThere);

const source = new Source({
  told: (told) => {
    for (const [tab, standing] of tabs) {
      if (told.kind === "reload") standing.isFresh = false;
      send(tab, { told });
    }
  },
  link: (link) => {
    for (const [tab, standing] of tabs) {
      send(tab, { link });
      if (link.state === "live") refresh(tab, standing);
    }
  },
});

// Something between the api and this browser gave the script a policy that lets it ask nobody: each tab goes on by itself.
scope.addEventListener("securitypolicyviolation", () => {
  source.stop();
  for (const tab of tabs.keys()) send(tab, { isBarred: true });
  tabs.clear();
});

scope.onconnect = (event) => {
  const tab = event.ports[0] as MessagePort;
  tab.onmessage = (message: MessageEvent<FromTab>) => {
    if (message.data === "bye") {
      tabs.delete(tab);
      if (tabs.size === 0) source.stop();
      else source.start(isSomebodyThere());
      return;
    }
    const isThere = message.data === "there";
    const known = tabs.get(tab);
    if (known) {
      known.isThere = isThere;
      source.start(isSomebodyThere());
      return;
    }
    const standing = { isThere, isFresh: true };
    tabs.set(tab, standing);
    source.start(isSomebodyThere());
    send(tab, { link: source.link });
    if (source.link.state === "live") refresh(tab, standing);
  };
  tab.start();
};

/** The subscription stands before anything is loaded, so that nothing in between is missed. */
function refresh(tab: MessagePort, standing: { isFresh: boolean }) {
  if (!standing.isFresh) return;
  standing.isFresh = false;
  send(tab, { told: { kind: "reload" } });
}

function send(tab: MessagePort, message: ToTab) {
  tab.postMessage(message);
}
