// Makes a key with what an assistant needs and nothing else, within what the person may themselves.

import { Button, Checkbox, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { Secret } from "../../parts/Secret.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { make } from "../keys/calls.ts";
import { TEXTS as KEYS, SPANS } from "../keys/texts.ts";
import { NEEDED } from "./connections.ts";
import { SCOPES, TEXTS } from "./texts.ts";

export function NewKey({ onMade, onClose }: { onMade: (key: string) => void; onClose: () => void }) {
  const session = useQuery(sessionQuery);
  const mine = SCOPES.filter(({ scope }) => may(session.data, scope));
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState([NEEDED]);
  const [days, setDays] = useState("365");
  const add = useAct({
    run: () => {
      const expires = days === "" ? null : new Date(Date.now() + Number(days) * 86_400_000).toISOString();
      return make({ name, scopes, expires_at: expires });
    },
    changes: [["keys"]],
    isShownElsewhere: true,
    onDone: (made) => onMade(made.key),
  });
  return (
    <Dialog onClose={onClose} title={TEXTS.making} size="lg">
      {add.data ? (
        <Stack gap="sm">
          <Secret text={add.data.key} note={TEXTS.shown} />
          <Group justify="flex-end">
            <Button onClick={onClose}>{KEYS.done}</Button>
          </Group>
        </Stack>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            add.mutate(undefined);
          }}
        >
          <Stack gap="sm">
            <TextInput
              label={TEXTS.name}
              description={TEXTS.nameHint}
              required
              maxLength={200}
              data-autofocus
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Checkbox.Group label={TEXTS.may} value={scopes} onChange={setScopes}>
              <Stack gap={6} mt={6}>
                {mine.map(({ scope, label }) => (
                  <Checkbox
                    key={scope}
                    value={scope}
                    label={label}
                    description={scope}
                    size="sm"
                    disabled={scope === NEEDED}
                  />
                ))}
              </Stack>
            </Checkbox.Group>
            <NativeSelect
              label={TEXTS.until}
              size="xs"
              data={SPANS}
              value={days}
              onChange={(event) => setDays(event.currentTarget.value)}
            />
            {add.isError && <Failure error={add.error} compact />}
            <Group justify="flex-end" gap="xs">
              {!mine.some(({ scope }) => scope === NEEDED) && (
                <Text size="sm" className="quiet" mr="auto">
                  You may not give {NEEDED}
                </Text>
              )}
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={add.isPending}>
                {TEXTS.make}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}
