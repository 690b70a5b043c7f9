// Connecting an assistant: where, with which key, the configuration to copy, what it can ask, and which keys connect.

import { Box, Button, Group, NativeSelect, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Body, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import "./assistants.css";
import { Connections } from "./Connections.tsx";
import { metadata, tools } from "./calls.ts";
import { CLIENTS, holdsKey, isPlain, PLACEHOLDER } from "./clients.ts";
import { NewKey } from "./NewKey.tsx";
import { TEXTS } from "./texts.ts";

export function Assistants() {
  const session = useQuery(sessionQuery);
  const [isMaking, setMaking] = useState(false);
  const [key, setKey] = useState<string | null>(null);
  const where = useQuery({ queryKey: ["assistants", "metadata"], queryFn: ({ signal }) => metadata(signal) });
  const known = useQuery({ queryKey: ["assistants", "tools"], queryFn: ({ signal }) => tools(signal) });
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[where, known]}>
      <div className="columns">
        <Stack gap="md">
          <Body query={where} rows={3}>
            {({ resource }) => (
              <>
                <Part title={TEXTS.address}>
                  <Copied text={resource} />
                  <Text size="sm" className="quiet" mt={6}>
                    {TEXTS.addressNote} {isPlain(resource) ? TEXTS.plain : ""}
                  </Text>
                </Part>
                <Part title={TEXTS.key}>
                  <Text size="sm" mb="xs">
                    {TEXTS.keyNote}
                  </Text>
                  {may(session.data, "settings:write") ? (
                    <Button onClick={() => setMaking(true)}>{TEXTS.make}</Button>
                  ) : (
                    <Text size="sm" className="quiet">
                      {TEXTS.mayNot}
                    </Text>
                  )}
                </Part>
                <Configuration address={resource} secret={key} />
              </>
            )}
          </Body>
        </Stack>
        <Part title={TEXTS.tools}>
          <Text size="sm" className="quiet" mb="xs">
            {TEXTS.toolsNote}
          </Text>
          <Body query={known} rows={8}>
            {(all) => (
              <dl className="assistant-tools">
                {all.map((tool) => (
                  <div key={tool.name}>
                    <dt>
                      {tool.title} <code className="quiet">{tool.name}</code>
                    </dt>
                    <dd>{firstSentence(tool.description)}</dd>
                  </div>
                ))}
              </dl>
            )}
          </Body>
        </Part>
      </div>
      <Connections />
      {isMaking && <NewKey onMade={setKey} onClose={() => setMaking(false)} />}
    </Screen>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Box className="panel panel-pad" component="section" aria-label={title}>
      <Title order={2} size="h5" mb={6}>
        {title}
      </Title>
      {children}
    </Box>
  );
}

function Configuration({ address, secret }: { address: string; secret: string | null }) {
  const [id, setId] = useState(CLIENTS[0]?.id ?? "");
  const client = CLIENTS.find((one) => one.id === id) ?? CLIENTS[0];
  if (!client) return null;
  return (
    <Part title={TEXTS.config}>
      <NativeSelect
        label={TEXTS.client}
        size="xs"
        maw={260}
        data={CLIENTS.map((one) => ({ value: one.id, label: one.name }))}
        value={id}
        onChange={(event) => setId(event.currentTarget.value)}
      />
      <Text size="sm" my={6}>
        {client.where}
      </Text>
      <Copied text={client.text(address, secret ?? PLACEHOLDER)} isBlock />
      {holdsKey(client) && (
        <Text size="sm" className="quiet" mt={6} role="status">
          {secret ? TEXTS.withKey : TEXTS.withoutKey}
        </Text>
      )}
    </Part>
  );
}

function Copied({ text, isBlock }: { text: string; isBlock?: boolean }) {
  const [copied, setCopied] = useState<string | null>(null);
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(text));
  return (
    <>
      {isBlock ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame that scrolls has to be reachable by keys
        <pre className="payload mono" tabIndex={0}>
          {text}
        </pre>
      ) : (
        <code className="secret mono">{text}</code>
      )}
      <Group mt="xs">
        <Button variant="default" onClick={copy}>
          {copied === text ? TEXTS.copied : TEXTS.copy}
        </Button>
      </Group>
    </>
  );
}

function firstSentence(text: string): string {
  return text.split(/(?<=\.)\s/)[0] ?? text;
}
