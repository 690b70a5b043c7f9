// A link to the screen of what a cell names.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type Place, partsOf } from "./cells.ts";

/** `tabIndex` is -1 where the same link stands for the keyboard elsewhere. */
export function PlaceLink(props: { place: Place | null; tabIndex?: number; children: ReactNode }) {
  const { place, tabIndex, children } = props;
  if (place === null) return children;
  return (
    <Link to={place.to as "/"} search={(place.search ?? {}) as never} tabIndex={tabIndex}>
      {children}
    </Link>
  );
}

/** A text in which customers can be opened. */
export function WithCustomers({ text }: { text: string }) {
  let at = 0;
  return partsOf(text).map((part) => {
    at += part.text.length;
    return part.isCustomer ? (
      <Link key={at} to="/manage/customers/$id" params={{ id: part.text }}>
        <span className="nowrap">{part.text}</span>
      </Link>
    ) : (
      part.text
    );
  });
}
