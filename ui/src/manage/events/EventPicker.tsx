// Choosing events out of the catalogue: everything, whole areas, or single kinds.

import "./events.css";
import { Checkbox, Input, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Body } from "../../parts/Screen.tsx";
import { catalogueQuery } from "./calls.ts";
import { areasOf, EVERYTHING, isPicked, isWithin, pick } from "./picking.ts";
import { TEXTS } from "./texts.ts";

type Props = { label: string; picked: string[]; onChange: (picked: string[]) => void };

export function EventPicker({ label, picked, onChange }: Props) {
  const catalogue = useQuery(catalogueQuery);
  const box = (pattern: string, text: string, name = text) => (
    <Checkbox
      key={pattern}
      size="sm"
      label={text}
      aria-label={name}
      checked={isPicked(picked, pattern)}
      disabled={isWithin(picked, pattern)}
      onChange={(event) => onChange(pick(picked, pattern, event.currentTarget.checked))}
    />
  );
  return (
    <fieldset className="plain">
      <Input.Label component="legend" size="xs" required>
        {label}
      </Input.Label>
      <Body query={catalogue} rows={4}>
        {({ patterns }) => (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls has to be reachable by keys
          <section className="pick-list" tabIndex={0} aria-label={label}>
            {box(EVERYTHING, TEXTS.everything)}
            {areasOf(patterns).map((area) => (
              <div key={area.pattern}>
                {box(area.pattern, `${area.name}: ${TEXTS.wholeArea}`)}
                <div className="pick-kinds">
                  {area.kinds.map((kind) => box(kind, kind.slice(area.name.length + 1).replaceAll("_", " "), kind))}
                </div>
              </div>
            ))}
          </section>
        )}
      </Body>
      {picked.length === 0 && (
        <Text size="xs" className="quiet" mt={4}>
          {TEXTS.noneChosen}
        </Text>
      )}
    </fieldset>
  );
}

/** The chosen events in a line. */
export function Listens({ events }: { events: string[] }) {
  if (events.includes(EVERYTHING)) return <>{TEXTS.everythingShort}</>;
  return <span className="mono">{events.join(", ")}</span>;
}
