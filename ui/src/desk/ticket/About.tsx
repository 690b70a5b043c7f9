// Whom a ticket is about: without an address nobody can be answered by mail, and with another one it is about somebody else.

import { TextInput } from "@mantine/core";
import { useState } from "react";
import type { Opened } from "../shapes.ts";
import { TEXTS } from "../texts.ts";
import { useChange } from "./changes.ts";
import { FormDialog } from "./dialogs.tsx";

export function About({ ticket, onClose }: { ticket: Opened; onClose: () => void }) {
  const { id, email: known, name: called } = ticket.customer;
  const [email, setEmail] = useState(known ?? "");
  const [name, setName] = useState(called ?? "");
  const change = useChange(ticket);
  const wanted = {
    // Another address may be another customer's: who that is the shop knows by it.
    ...(id && (!known || email.trim() === known) ? { id } : {}),
    ...(email.trim() ? { email: email.trim() } : {}),
    ...(name.trim() ? { name: name.trim() } : {}),
  };
  const before = { ...(id ? { id } : {}), ...(known ? { email: known } : {}), ...(called ? { name: called } : {}) };
  return (
    <FormDialog
      title={TEXTS.about}
      verb="Set it"
      isReady={email.trim() !== "" || name.trim() !== ""}
      isBusy={change.isPending}
      error={change.error}
      onClose={onClose}
      onSubmit={() =>
        change.mutate({ change: { customer: wanted }, done: "Set", undo: { customer: before } }, { onSuccess: onClose })
      }
    >
      <TextInput
        label="E-mail"
        type="email"
        description="Replies by mail go there"
        data-autofocus
        maxLength={320}
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <TextInput label="Name" maxLength={200} value={name} onChange={(event) => setName(event.currentTarget.value)} />
    </FormDialog>
  );
}
