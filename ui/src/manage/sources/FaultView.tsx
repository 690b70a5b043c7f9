// Why a place or a source is not read: what to do in a sentence, with the code for whoever helps.

import { Alert, Text } from "@mantine/core";
import { Problem } from "../../api/problem.ts";
import { Failure } from "../../parts/Failure.tsx";
import { faultOf } from "./said.ts";
import { TEXTS } from "./texts.ts";

export function FaultView({ text }: { text: string }) {
  const { sentence, code } = faultOf(text);
  return (
    <>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {sentence}
      </Text>
      {code && (
        <div className="quiet small">
          {TEXTS.code}: <code>{code}</code>
        </div>
      )}
    </>
  );
}

/** A request about a place that failed. Of a place that cannot be read only what to do matters. */
export function PlaceFailure({ error }: { error: unknown }) {
  if (!(error instanceof Problem) || error.kind !== "invalid" || !faultOf(error.message).code) {
    return <Failure error={error} compact />;
  }
  return (
    <Alert role="alert" color="orange" title={TEXTS.unread} variant="outline">
      <FaultView text={error.message} />
    </Alert>
  );
}
