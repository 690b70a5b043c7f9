// A state in a word and a colour: the colour alone says nothing.

import type { ReactNode } from "react";
import { words } from "./format.ts";

export type Tone = "good" | "warn" | "bad" | "calm" | "none";

const TONES: Record<string, Tone> = {
  done: "good",
  active: "good",
  published: "good",
  champion: "good",
  fine: "good",
  queued: "good",
  low: "good",
  ready: "calm",
  running: "calm",
  scheduled: "calm",
  challenger: "calm",
  open: "calm",
  retrying: "warn",
  paused: "warn",
  draining: "warn",
  medium: "warn",
  watch: "warn",
  warn: "warn",
  high: "warn",
  dead: "bad",
  lost: "bad",
  gone: "bad",
  failed: "bad",
  critical: "bad",
  alarm: "bad",
  moved: "bad",
};

export function State({ name, tone, children }: { name: string; tone?: Tone; children?: ReactNode }) {
  return (
    <span className="state" data-tone={tone ?? TONES[name] ?? "none"}>
      {children ?? words(name)}
    </span>
  );
}
