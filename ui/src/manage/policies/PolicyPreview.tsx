// What a policy would mean, before it is stored: for a ticket of each priority, when what would be due.

import { Box, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answerAs, client } from "../../api/client.ts";
import { Failure } from "../../parts/Failure.tsx";
import { words } from "../../parts/format.ts";
import { Loading } from "../../parts/Screen.tsx";
import { KINDS } from "../sla/shapes.ts";
import type { Wanted } from "./form.ts";
import { local } from "./local.ts";
import { type Outlook, PRIORITIES } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

const WAIT_MS = 500;

export function PolicyPreview({ wanted }: { wanted: Wanted }) {
  const [at, setAt] = useState("");
  const { conditions } = wanted.body as {
    conditions: { channels: string[]; tags: string[]; departments: string[]; customer_tiers: string[] };
  };
  const samples = PRIORITIES.map((priority) => ({
    priority,
    channel: conditions.channels[0] ?? null,
    tags: conditions.tags.slice(0, 1),
    department: conditions.departments[0] ?? null,
    customer_tier: conditions.customer_tiers[0] ?? null,
    at: at ? new Date(at).toISOString() : null,
  }));
  const { valid_from: _, ...policy } = wanted.body;
  const [asked] = useDebouncedValue(JSON.stringify({ policy, samples }), WAIT_MS);
  const isReadable = wanted.faults.every((fault) => fault === "name");
  const preview = useQuery({
    queryKey: ["sla", "preview", asked],
    queryFn: ({ signal }) =>
      answerAs<{ samples: Outlook[] }>(client.POST("/api/sla/preview", { body: JSON.parse(asked), signal })),
    enabled: isReadable,
    retry: false,
    placeholderData: keepPreviousData,
  });
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.preview}>
      <Stack gap="sm">
        <Title order={2} size="h5">
          {TEXTS.preview}
        </Title>
        <Text size="sm" className="quiet">
          {TEXTS.previewNote}
        </Text>
        <TextInput
          label={TEXTS.sampleAt}
          type="datetime-local"
          value={at}
          onChange={(event) => setAt(event.currentTarget.value)}
        />
        {preview.isPending && isReadable && <Loading rows={4} />}
        {preview.isError && <Failure error={preview.error} compact />}
        {preview.data?.samples.map((sample) => (
          <div key={sample.priority}>
            <Text fw={600} size="sm">
              {words(sample.priority)}
            </Text>
            {!sample.fits ? (
              <Text size="sm" className="quiet">
                {TEXTS.notFor}
              </Text>
            ) : sample.clocks.length === 0 ? (
              <Text size="sm" className="quiet">
                {TEXTS.nothing}
              </Text>
            ) : (
              <dl className="facts">
                {sample.clocks.map((clock) => (
                  <Clock key={clock.kind} name={KINDS[clock.kind]} due={local(clock.due_at)} note={clock.words} />
                ))}
              </dl>
            )}
          </div>
        ))}
      </Stack>
    </Box>
  );
}

function Clock({ name, due, note }: { name: string; due: string; note: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {due}
        <div className="quiet small">{note}</div>
      </dd>
    </>
  );
}
