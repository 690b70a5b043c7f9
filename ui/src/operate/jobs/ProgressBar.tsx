// How far a job says that it is.

import { Text } from "@mantine/core";
import type { Progress } from "../../api/shapes.ts";
import { count } from "../../parts/format.ts";

export function ProgressBar({ progress }: { progress: Progress }) {
  const { done, total, message } = progress;
  const share = total ? Math.min(1, (done ?? 0) / total) : null;
  return (
    <div>
      <Text size="sm">
        {message ?? ""}
        {message && done !== undefined ? " · " : ""}
        {done !== undefined ? `${count(done)}${total ? ` of ${count(total)}` : ""}` : ""}
      </Text>
      {share !== null && (
        <div className="bar" aria-hidden="true">
          <span style={{ width: `${share * 100}%` }} />
        </div>
      )}
    </div>
  );
}
