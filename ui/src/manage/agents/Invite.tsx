// A new person, and the link that is shown once.

import { Button, Group, NativeSelect, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import type { components } from "../../api.d.ts";
import { useAct } from "../../parts/act.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { Secret } from "../../parts/Secret.tsx";
import { ROLES, TEXTS } from "./texts.ts";

type Made = components["schemas"]["Invitation"];

export function Invite({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState("agent");
  const [departments, setDepartments] = useState<string[]>([]);
  const invite = useAct({
    run: () => answer<Made>(client.POST("/api/agents", { body: { name, email, role, departments } })),
    changes: [["agents"]],
    isShownElsewhere: true,
  });
  return (
    <Dialog onClose={onClose} title={invite.data ? TEXTS.linkTitle : TEXTS.invite}>
      {invite.data ? (
        <Stack gap="sm">
          <Text size="sm">
            {invite.data.agent.name} chooses a password here. {TEXTS.linkNote}
          </Text>
          <LinkOf link={invite.data.invitation} />
          <Group justify="flex-end">
            <Button onClick={onClose}>{TEXTS.done}</Button>
          </Group>
        </Stack>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            invite.mutate(undefined);
          }}
        >
          <Stack gap="sm">
            <Text size="sm" className="quiet">
              {TEXTS.inviteNote}
            </Text>
            <TextInput
              label={TEXTS.name}
              required
              maxLength={200}
              data-autofocus
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <TextInput
              label={TEXTS.email}
              type="email"
              required
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <NativeSelect
              label={TEXTS.role}
              size="xs"
              data={Object.entries(ROLES).map(([value, label]) => ({ value, label }))}
              value={role}
              onChange={(event) => setRole(event.currentTarget.value)}
            />
            <TagsInput label={TEXTS.departments} size="xs" value={departments} onChange={setDepartments} />
            {invite.isError && <Failure error={invite.error} compact />}
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={invite.isPending}>
                {TEXTS.invite}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}

/** Where the link leads; without a public address of the installation, to where this page is. */
export function LinkOf({ link }: { link: components["schemas"]["LinkView"] }) {
  const path = link.purpose === "invitation" ? "invitation" : "reset";
  const address = link.url ?? `${window.location.origin}/${path}#${link.token}`;
  const until = new Date(link.expires_at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  return <Secret text={address} note={`Good until ${until}`} />;
}
