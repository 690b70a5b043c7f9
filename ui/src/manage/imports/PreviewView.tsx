// What would become of a file: how it was read, what each column means, the first orders, what would be left out.

import { Alert, Text } from "@mantine/core";
import type { components } from "../../api.d.ts";
import { count, day, moment, money, words } from "../../parts/format.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { TEXTS } from "./texts.ts";

type Preview = components["schemas"]["PreviewView"];
type Order = components["schemas"]["OrderView"];
type Reason = components["schemas"]["ReasonView"];

const ORDERS: Column<Order>[] = [
  { head: "Line", isNumber: true, cell: (order) => count(order.line) },
  { head: "Order", cell: (order) => order.order_id },
  { head: "Customer", cell: (order) => order.customer_name ?? order.customer_email ?? order.customer_id ?? "–" },
  { head: "Ordered", cell: (order) => <span className="nowrap">{placed(order.ordered_at)}</span> },
  { head: "Payment", cell: (order) => words(order.payment) },
  { head: "Worth", isNumber: true, cell: (order) => money(order.worth, order.currency) },
  { head: "Lines", isNumber: true, cell: (order) => count(order.lines.length) },
];

/** A file without times of day has days, which no zone may move. */
function placed(at: string): string {
  return at.length > 10 ? moment(at) : day(at);
}

type Say = (sentence: string) => string;

/** `say` puts the api's sentences into words of the page that shows them. */
export function PreviewView({ preview, say = (sentence) => sentence }: { preview: Preview; say?: Say }) {
  const worth = Object.entries(preview.worth).map(([currency, sum]) => money(sum, currency));
  return (
    <>
      {preview.problem && (
        <Alert color="orange" variant="outline" role="alert" title={TEXTS.cannot}>
          {say(preview.problem)}
        </Alert>
      )}
      <Text size="sm">
        Read as <strong>{preview.profile_title}</strong>: {count(preview.rows)} rows
        {preview.is_whole ? "" : " in its beginning"}, {count(preview.orders)} orders
        {worth.length > 0 ? `, worth ${worth.join(" and ")}` : ""}.
      </Text>
      <Text size="sm" component="div">
        {preview.columns.map((column) => (
          <span key={column.name} style={{ display: "inline-block", marginRight: 14 }}>
            <code>{column.name}</code>{" "}
            <span className="quiet">
              {column.meaning
                ? `→ ${words(column.meaning).toLowerCase()}`
                : column.role === "read"
                  ? ""
                  : `(${words(column.role).toLowerCase()})`}
            </span>
          </span>
        ))}
      </Text>
      {preview.unknown_columns.length > 0 && (
        <Text size="sm">Not understood and left out: {preview.unknown_columns.join(", ")}.</Text>
      )}
      <Reasons title="Left out" reasons={preview.left_out} say={say} />
      <Reasons title="Taken with a remark" reasons={preview.remarks} say={say} />
      {preview.sample.length > 0 && (
        <Rows
          label="The first orders"
          columns={ORDERS}
          rows={preview.sample}
          rowKey={(order) => `${order.line} ${order.order_id}`}
        />
      )}
    </>
  );
}

function Reasons({ title, reasons, say }: { title: string; reasons: Reason[]; say: Say }) {
  if (reasons.length === 0) return null;
  return (
    <Text size="sm" component="div">
      <strong>{title}:</strong>
      <ul style={{ margin: 0, paddingLeft: 18 }}>
        {reasons.map((reason) => (
          <li key={`${reason.reason} ${reason.column ?? ""}`}>
            {count(reason.rows)} {reason.rows === 1 ? "row" : "rows"}
            {reason.line ? `, the first in line ${reason.line}` : ""}
            {reason.column ? `, column ${reason.column}` : ""}: {say(reason.message)}
          </li>
        ))}
      </ul>
    </Text>
  );
}
