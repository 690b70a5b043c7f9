// A chart is a figure with a sentence that says what it shows, and the same numbers as a table behind a button.

import { Button, Table, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";

type Props = { says: string; head: string[]; rows: string[][]; children: ReactNode };

export function Chart({ says, head, rows, children }: Props) {
  const [isTable, setTable] = useState(false);
  return (
    <figure className="chart">
      {isTable ? (
        <section className="table-frame" aria-label={says} tabIndex={0 /* it scrolls */}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                {head.map((name) => (
                  <Table.Th key={name} scope="col">
                    {name}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={row.join(" ")}>
                  {row.map((cell, place) => (
                    <Table.Td key={head[place]}>{cell}</Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </section>
      ) : (
        children
      )}
      <figcaption>
        <Text size="sm" className="quiet" my={6}>
          {says}
        </Text>
        <Button variant="default" onClick={() => setTable(!isTable)}>
          {isTable ? "Show as a chart" : "Show as a table"}
        </Button>
      </figcaption>
    </figure>
  );
}

/** From a value to a place in the picture. */
export function scale(from: [number, number], to: [number, number]): (value: number) => number {
  const span = from[1] - from[0] || 1;
  return (value) => to[0] + ((value - from[0]) / span) * (to[1] - to[0]);
}
