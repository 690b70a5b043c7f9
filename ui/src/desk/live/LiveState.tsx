// Whether what is shown is what is: a word with a dot.

import { duration } from "../../parts/format.ts";
import { useNow } from "../../parts/now.ts";
import { State } from "../../parts/State.tsx";
import { TEXTS } from "../texts.ts";
import { useLink } from "./stream.ts";

export function LiveState() {
  const link = useLink();
  const now = useNow();
  return (
    <span className="small" role="status">
      {link.state === "live" && (
        <State name="live" tone="good">
          {TEXTS.live}
        </State>
      )}
      {link.state === "catching-up" && (
        <State name="catching up" tone="calm">
          {TEXTS.catchingUp}
        </State>
      )}
      {link.state === "stale" && (
        <State name="stale" tone="warn">
          {TEXTS.stale} {duration(Math.max(0, Math.round((now - link.since) / 1000)))}
        </State>
      )}
    </span>
  );
}
