// A table of rows: sticky head, j and k from row to row, Enter into it, pages on demand.

import { Button, Table, Text } from "@mantine/core";
import { type ReactNode, useRef } from "react";
import { useKeys } from "../shell/keys.ts";
import { count } from "./format.ts";
import { TEXTS } from "./texts.ts";

export type Column<T> = {
  head: string;
  cell: (row: T) => ReactNode;
  isNumber?: boolean;
  isWide?: boolean;
  /** Stays in sight while the others are scrolled, where there is room for that. */
  isFixed?: boolean;
};

type Props<T> = {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  onMore?: (() => void) | undefined;
  isLoadingMore?: boolean;
};

function headClass<T>(column: Column<T>): string | undefined {
  return column.isNumber ? "number" : column.isFixed ? "fixed" : undefined;
}

function cellClass<T>(column: Column<T>): string | undefined {
  return headClass(column) ?? (column.isWide ? "wide" : undefined);
}

export function Rows<T>({ label, columns, rows, rowKey, onMore, isLoadingMore }: Props<T>) {
  const frame = useRef<HTMLElement>(null);
  const step = (by: 1 | -1) => () => {
    const lines = [...(frame.current?.querySelectorAll<HTMLElement>("tbody tr") ?? [])];
    const at = lines.findIndex((line) => line.contains(document.activeElement));
    const next = lines[Math.min(Math.max(at + by, 0), lines.length - 1)];
    next?.querySelector<HTMLElement>("a, button, input")?.focus();
  };
  useKeys({ next: step(1), previous: step(-1) });
  return (
    <div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls has to be reachable by keys */}
      <section className="table-frame" ref={frame} tabIndex={0} aria-label={label}>
        <Table stickyHeader={false}>
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column.head} className={headClass(column)} scope="col">
                  {column.head}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={rowKey(row)}>
                {columns.map((column) => (
                  <Table.Td key={column.head} className={cellClass(column)}>
                    {column.cell(row)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      <div className="table-foot">
        <Text size="xs" className="quiet">
          {count(rows.length)} {rows.length === 1 ? "row" : "rows"}
          {onMore ? " so far" : ""}
        </Text>
        {onMore && (
          <Button variant="default" onClick={onMore} loading={isLoadingMore ?? false}>
            {TEXTS.more}
          </Button>
        )}
      </div>
    </div>
  );
}
