// How long ago something was, with the full time behind it.

import { moment, since } from "./format.ts";
import { useNow } from "./now.ts";

export function Age({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return <span className="quiet">–</span>;
  return (
    <time dateTime={at} title={moment(at)} className="nowrap">
      {since(at, now)}
    </time>
  );
}
