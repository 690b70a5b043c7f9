// What the shop calls a kind of customers, instead of the name that was chosen by rules.

import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import type { Archetype } from "../../api/shapes.ts";
import { useAct } from "../../parts/act.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { TEXTS } from "./texts.ts";

/** Every screen that shows a kind's name. */
const SHOWN = [["archetypes"], ["summary"], ["customer"], ["customers"], ["desk"]];

export function Rename({ kind, onClose }: { kind: Archetype; onClose: () => void }) {
  const [name, setName] = useState(kind.name);
  const path = "/api/intelligence/archetypes/{id}/name";
  const params = { path: { id: kind.id } };
  const options = { changes: SHOWN, done: () => TEXTS.renamed, isShownElsewhere: true, onDone: onClose };
  const give = useAct({
    ...options,
    run: () => answer(client.PUT(path, { params, body: { name: name.trim() } })),
  });
  const takeBack = useAct({ ...options, run: () => answer(client.DELETE(path, { params })) });
  return (
    <Dialog onClose={onClose} title={TEXTS.rename}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          give.mutate(undefined);
        }}
      >
        <Stack gap="sm">
          <TextInput
            label={TEXTS.name}
            description={TEXTS.nameHint}
            required
            maxLength={40}
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {kind.automatic_name && (
            <Text size="sm" className="quiet">
              {TEXTS.byRules}: {kind.automatic_name}
            </Text>
          )}
          {give.isError || takeBack.isError ? <Failure error={give.error ?? takeBack.error} compact /> : null}
          <Group justify="flex-end" gap="xs">
            {kind.automatic_name && (
              <Button variant="default" loading={takeBack.isPending} onClick={() => takeBack.mutate(undefined)}>
                {TEXTS.takeBack}
              </Button>
            )}
            <Button type="submit" loading={give.isPending}>
              {TEXTS.give}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
