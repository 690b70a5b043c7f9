// Whether a request is on its way, known at once and not only with the next render: a key pressed three times at once
// meets the same render three times.

import { type RefObject, useLayoutEffect, useRef } from "react";

/** Whoever begins sets it; it is what `isPending` says again as soon as that is shown. */
export function useInFlight(isPending: boolean): RefObject<boolean> {
  const flight = useRef(isPending);
  useLayoutEffect(() => {
    flight.current = isPending;
  });
  return flight;
}
