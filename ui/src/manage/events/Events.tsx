// The catalogue of events: every kind with its version, its fields and its JSON Schema, found by words, ready to copy.

import "./events.css";
import { Box, Button, Group, Select, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useFilters } from "../../parts/filters.ts";
import { count } from "../../parts/format.ts";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { catalogueQuery, type EventKind } from "./calls.ts";
import { fieldsOf, hasWords } from "./schema.ts";
import { TEXTS } from "./texts.ts";

const areaOf = (event: EventKind) => event.type.slice(0, event.type.indexOf("."));

export function Events() {
  const [filters, change] = useFilters();
  const catalogue = useQuery(catalogueQuery);
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[catalogue]}>
      <Body query={catalogue}>
        {({ events }) => {
          const found = events.filter(
            (event) =>
              (!filters.area || areaOf(event) === filters.area) && (!filters.find || hasWords(event, filters.find)),
          );
          return (
            <>
              <div className="filters">
                <TextInput
                  label={TEXTS.find}
                  placeholder={TEXTS.findHint}
                  type="search"
                  value={filters.find ?? ""}
                  onChange={(event) => change({ find: event.currentTarget.value })}
                />
                <Select
                  label={TEXTS.area}
                  placeholder={TEXTS.everyArea}
                  clearable
                  data={[...new Set(events.map(areaOf))]}
                  value={filters.area ?? null}
                  onChange={(area) => change({ area })}
                />
                <Text size="xs" className="quiet" role="status" py={8}>
                  {count(found.length)} of {count(events.length)} events
                </Text>
              </div>
              {found.length === 0 && <Empty title={TEXTS.none}>{TEXTS.noneNote}</Empty>}
              <Stack gap="md">
                {found.map((event) => (
                  <Kind key={event.type} event={event} />
                ))}
              </Stack>
            </>
          );
        }}
      </Body>
    </Screen>
  );
}

function Kind({ event }: { event: EventKind }) {
  const schema = JSON.stringify(event.schema, null, 2);
  const example = JSON.stringify(event.example, null, 2);
  return (
    <Box className="panel panel-pad" component="section" aria-label={event.type}>
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <Title order={2} size="h5" id={event.type}>
            <span className="mono event-name">{event.type}</span>{" "}
            <Text span size="sm" className="quiet" fw={400}>
              version {event.version}
            </Text>
          </Title>
          <Group gap={6}>
            <Copy text={event.type} of={event.type}>
              {TEXTS.copyName}
            </Copy>
            <Copy text={schema} of={event.type}>
              {TEXTS.copySchema}
            </Copy>
          </Group>
        </Group>
        <Text size="sm">{event.description}</Text>
        <Fields event={event} />
        <details>
          <summary className="small">{TEXTS.schema}</summary>
          <Payload text={schema} />
        </details>
        <details>
          <summary className="small">{TEXTS.example}</summary>
          <Payload text={example} />
          <Group mt={6}>
            <Copy text={example} of={event.type}>
              {TEXTS.copyExample}
            </Copy>
          </Group>
        </details>
        {event.type === "webhook.test" ? (
          <Text size="sm" className="quiet">
            {TEXTS.onlyAsked}
          </Text>
        ) : (
          <Link className="small" to="/manage/webhooks" search={{ event: event.type } as never}>
            {TEXTS.toEndpoints}
          </Link>
        )}
      </Stack>
    </Box>
  );
}

function Fields({ event }: { event: EventKind }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls has to be reachable by keys
    <section className="table-frame" tabIndex={0} aria-label={`Fields of ${event.type}`}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            {[TEXTS.field, TEXTS.value, TEXTS.meaning].map((head) => (
              <Table.Th key={head} scope="col">
                {head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {fieldsOf(event.schema).map((field) => (
            <Table.Tr key={field.name}>
              <Table.Td className="mono nowrap">{field.name}</Table.Td>
              <Table.Td className="wide">{field.value}</Table.Td>
              <Table.Td className="wide">{field.meaning}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

function Payload({ text }: { text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls has to be reachable by keys
    <pre className="payload mono" tabIndex={0}>
      {text}
    </pre>
  );
}

function Copy({ text, of, children }: { text: string; of: string; children: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <Button
      variant="default"
      aria-label={`${isCopied ? TEXTS.copied : children}: ${of}`}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      {isCopied ? TEXTS.copied : children}
    </Button>
  );
}
