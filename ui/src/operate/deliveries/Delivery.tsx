// One delivery with its body, its remarks and a replay.

import { Box, Button, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { moment, words } from "../../parts/format.ts";
import { Body, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { TEXTS } from "./texts.ts";

export function Delivery() {
  const { id } = useParams({ strict: false }) as { id: string };
  const delivery = useQuery({
    queryKey: ["delivery", id],
    queryFn: ({ signal }) => answer(client.GET("/api/webhooks/deliveries/{id}", { params: { path: { id } }, signal })),
  });
  const [isAsking, setAsking] = useState(false);
  const replay = useAct({
    run: () => answer(client.POST("/api/webhooks/deliveries/{id}/replay", { params: { path: { id } } })),
    changes: [["deliveries"], ["delivery", id]],
    done: (out) => (
      <>
        Taken in again: {words(out.decision)}.{" "}
        <Link to="/operate/deliveries/$id" params={{ id: out.delivery_id }}>
          The new delivery
        </Link>
      </>
    ),
    isShownElsewhere: true,
    onDone: () => setAsking(false),
  });
  return (
    <Screen
      title="Delivery"
      note={<span className="mono">{id}</span>}
      queries={[delivery]}
      actions={<Button onClick={() => setAsking(true)}>{TEXTS.replay}</Button>}
    >
      <Body query={delivery}>
        {(known) => (
          <div className="columns">
            <Stack gap="md">
              {known.remarks.length > 0 && (
                <Box className="panel panel-pad" component="section" aria-label="Remarks">
                  <Title order={2} size="h5" mb={6}>
                    What could not be read
                  </Title>
                  <dl className="facts">
                    {known.remarks.map((remark) => (
                      <div key={`${remark.field} ${remark.problem}`} style={{ display: "contents" }}>
                        <dt className="mono">{remark.field}</dt>
                        <dd>{remark.problem}</dd>
                      </div>
                    ))}
                  </dl>
                </Box>
              )}
              <Box className="panel panel-pad" component="section" aria-label="Body">
                <Title order={2} size="h5" mb={6}>
                  Body
                </Title>
                {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls has to be reachable by keys */}
                <pre className="payload mono" tabIndex={0}>
                  {JSON.stringify(known.body, null, 2)}
                </pre>
              </Box>
            </Stack>
            <Box className="panel panel-pad" component="section" aria-label="Facts">
              <dl className="facts">
                <dt>Decision</dt>
                <dd>
                  <State name={known.decision} />
                  {known.skip_reason ? `: ${words(known.skip_reason)}` : ""}
                </dd>
                <dt>Event</dt>
                <dd>{known.event_type ?? "–"}</dd>
                <dt>Received</dt>
                <dd>{moment(known.received_at)}</dd>
                <dt>Ticket</dt>
                <dd>{known.ticket_id ?? "–"}</dd>
                <dt>Job</dt>
                <dd>
                  {known.job_id ? (
                    <Link to="/operate/jobs/$id" params={{ id: known.job_id }}>
                      the job that it caused
                    </Link>
                  ) : (
                    "none"
                  )}
                </dd>
                {known.replay_of && (
                  <>
                    <dt>Replay of</dt>
                    <dd>
                      <Link to="/operate/deliveries/$id" params={{ id: known.replay_of }}>
                        an earlier delivery
                      </Link>
                    </dd>
                  </>
                )}
              </dl>
            </Box>
          </div>
        )}
      </Body>
      {isAsking && (
        <Confirm
          title="Replay this delivery"
          what={TEXTS.replayWhat}
          verb={TEXTS.replay}
          needsReason={false}
          error={replay.error}
          isBusy={replay.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => replay.mutate(undefined)}
        />
      )}
    </Screen>
  );
}
