// Three panes side by side whose widths are changed by keys or by pointer; where there is no room, one at a time.

import { type CSSProperties, type ReactNode, useState } from "react";
import { TEXTS } from "../texts.ts";

export type Pane = "queue" | "conversation" | "customer";
type Widths = { queue: number; customer: number };

const STORED = "deskwork.panes";
const USUAL: Widths = { queue: 320, customer: 330 };
const LEAST = 240;
const MOST = 520;
const STEP = 16;

type Props = { shown: Pane; queue: ReactNode; conversation: ReactNode; customer: ReactNode | null };

export function Panes({ shown, queue, conversation, customer }: Props) {
  const [widths, setWidths] = useState(read);
  const change = (pane: keyof Widths) => (width: number) => {
    const next = { ...widths, [pane]: Math.min(MOST, Math.max(LEAST, Math.round(width))) };
    setWidths(next);
    localStorage.setItem(STORED, JSON.stringify(next));
  };
  const style = { "--queue": `${widths.queue}px`, "--customer": `${widths.customer}px` } as CSSProperties;
  return (
    <div className="desk-panes" data-shown={shown} data-customer={customer ? "yes" : "no"} style={style}>
      <section className="desk-pane desk-queue" aria-label={TEXTS.queue}>
        {queue}
      </section>
      <Splitter label="Width of the queue" width={widths.queue} onChange={change("queue")} side="left" />
      <section className="desk-pane desk-conversation" aria-label={TEXTS.conversation}>
        {conversation}
      </section>
      {customer && (
        <>
          <Splitter label="Width of the customer" width={widths.customer} onChange={change("customer")} side="right" />
          <section className="desk-pane desk-customer" aria-label={TEXTS.customer}>
            {customer}
          </section>
        </>
      )}
    </div>
  );
}

type SplitterProps = { label: string; width: number; side: "left" | "right"; onChange: (width: number) => void };

function Splitter({ label, width, side, onChange }: SplitterProps) {
  const sign = side === "left" ? 1 : -1;
  const [from, setFrom] = useState<{ x: number; width: number } | null>(null);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule between two panes that can be moved is no <hr>
    <div
      className={`desk-splitter desk-splitter-${side}`}
      role="separator"
      tabIndex={0}
      aria-label={`${label}: arrow keys change it`}
      aria-orientation="vertical"
      aria-valuenow={width}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") onChange(width + sign * STEP);
        else if (event.key === "ArrowLeft") onChange(width - sign * STEP);
        else if (event.key === "Home") onChange(LEAST);
        else if (event.key === "End") onChange(MOST);
        else return;
        event.preventDefault();
      }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setFrom({ x: event.clientX, width });
      }}
      onPointerMove={(event) => from && onChange(from.width + sign * (event.clientX - from.x))}
      onPointerUp={() => setFrom(null)}
      onPointerCancel={() => setFrom(null)}
    />
  );
}

function read(): Widths {
  try {
    return { ...USUAL, ...JSON.parse(localStorage.getItem(STORED) ?? "{}") };
  } catch {
    return USUAL;
  }
}
