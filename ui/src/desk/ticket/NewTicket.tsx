// A ticket that begins here: somebody called, or is written to. What was said on the phone is a note; what is written leaves
// as the first message and can be taken back like any reply.

import { SegmentedControl, Select, Textarea, TextInput } from "@mantine/core";
import { useRef, useState } from "react";
import { client } from "../../api/client.ts";
import { toast, useAct } from "../../parts/act.tsx";
import { words } from "../../parts/format.ts";
import { once, told } from "../calls.ts";
import { QUEUE } from "../queries.ts";
import { TEXTS } from "../texts.ts";
import { FormDialog } from "./dialogs.tsx";

type Way = "mail" | "call";
type Priority = (typeof PRIORITIES)[number];
const PRIORITIES = ["urgent", "high", "normal", "low"] as const;

export function NewTicket({ onClose, onOpen }: { onClose: () => void; onOpen: (id: string) => void }) {
  const [way, setWay] = useState<Way>("mail");
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [subject, setSubject] = useState("");
  const [priority, setPriority] = useState<Priority>("normal");
  const [text, setText] = useState("");
  const key = useRef({ of: "", key: "" });
  const isMail = way === "mail";
  const act = useAct<undefined, { id: string; number: number }>({
    run: async () => {
      const body = {
        subject: subject.trim(),
        channel: isMail ? ("email" as const) : ("phone" as const),
        priority,
        customer: {
          ...(email.trim() ? { email: email.trim() } : {}),
          ...(name.trim() ? { name: name.trim() } : {}),
        },
        ...(isMail ? { message: { from: "agent" as const, text: text.trim() } } : {}),
      };
      // Sent again after a lost answer it is the same ticket, with one note.
      const of = JSON.stringify({ body, text });
      if (key.current.of !== of) key.current = { of, key: crypto.randomUUID() };
      const made = await told(client.POST("/api/tickets", { params: { header: once(key.current.key) }, body }));
      if (!isMail) {
        const params = { path: { id: made.id }, header: once(`${key.current.key}-note`) };
        await told(client.POST("/api/tickets/{id}/notes", { params, body: { text: text.trim() } }));
      }
      return made;
    },
    changes: [QUEUE],
    isShownElsewhere: true,
    onDone: (made) => {
      onClose();
      onOpen(made.id);
      toast(isMail ? `Ticket #${made.number} was made. ${TEXTS.sent}` : `Ticket #${made.number} was made`);
    },
  });
  const isReady =
    subject.trim() !== "" &&
    text.trim() !== "" &&
    (isMail ? email.trim() !== "" : Boolean(email.trim() || name.trim()));
  return (
    <FormDialog
      title={TEXTS.compose}
      verb="Make the ticket"
      isReady={isReady}
      isBusy={act.isPending}
      error={act.error}
      onClose={onClose}
      onSubmit={() => act.mutate(undefined)}
    >
      <SegmentedControl
        size="xs"
        aria-label="How it begins"
        value={way}
        onChange={(value) => setWay(value as Way)}
        data={[
          { value: "mail", label: "You write to them" },
          { value: "call", label: "They called" },
        ]}
        transitionDuration={0}
      />
      <TextInput
        label="E-mail"
        type="email"
        required={isMail}
        data-autofocus
        maxLength={320}
        description={isMail ? undefined : "With it they are known, and can be answered"}
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <TextInput label="Name" maxLength={200} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <TextInput
        label="Subject"
        required
        maxLength={500}
        value={subject}
        onChange={(event) => setSubject(event.currentTarget.value)}
      />
      <Select
        label="Priority"
        allowDeselect={false}
        data={PRIORITIES.map((value) => ({ value, label: words(value) }))}
        value={priority}
        onChange={(value) => setPriority((value ?? "normal") as Priority)}
      />
      <Textarea
        size="xs"
        label={isMail ? "What you write to them" : "What was said, for colleagues"}
        required
        autosize
        minRows={4}
        maxRows={10}
        maxLength={20_000}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
