// A message, reply or note: text as text, files as downloads, and whether it has left.

import { Button, Group } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Age } from "../../parts/Age.tsx";
import { moment, since } from "../../parts/format.ts";
import { useNow } from "../../parts/now.ts";
import { State } from "../../parts/State.tsx";
import type { Message } from "../shapes.ts";
import { DELIVERY, TEXTS } from "../texts.ts";

type Props = {
  message: Message;
  customer: string;
  name: (id: string) => string;
  onWithdraw: ((message: Message) => void) | undefined;
  onSendAgain: ((message: Message) => void) | undefined;
  onSplit: ((message: Message) => void) | undefined;
  onAddress: (() => void) | undefined;
};

const TONES = {
  sent: "good",
  failed: "bad",
  bounced: "bad",
  unsure: "warn",
  queued: "calm",
  scheduled: "calm",
  withdrawn: "none",
} as const;

export function MessageView({ message, customer, name, onWithdraw, onSendAgain, onSplit, onAddress }: Props) {
  const now = useNow();
  const who =
    message.from === "customer"
      ? message.sender_name || customer
      : message.sender_name ||
        (message.author_id ? name(message.author_id) : message.by_machine ? "A machine" : "The shop");
  const delivery = message.delivery as keyof typeof TONES | null | undefined;
  const isWaiting = delivery === "queued" || delivery === "scheduled";
  // What has no way to leave is not on its way, also while it can still be taken back.
  const lacks = isWaiting || delivery === "failed" ? message.not_sent_because : null;
  const shown = lacks ? "failed" : delivery;
  return (
    <li className="desk-message" data-from={message.from} data-gone={delivery === "withdrawn" || undefined}>
      <div className="desk-message-head">
        <span dir="auto">
          <strong>{who}</strong>
          {message.from === "note" ? " wrote a note" : ""}
          {message.from === "agent" && message.by_machine ? " (by a machine)" : ""}
        </span>
        <span className="quiet">
          <Age at={message.sent_at} />
        </span>
      </div>
      <div className="desk-text" dir="auto">
        {message.text}
      </div>
      {message.attachments.length > 0 && (
        <ul className="desk-files" aria-label="Files">
          {message.attachments.map((file) => (
            <li key={file.id}>
              <a href={`/api/tickets/attachments/${file.id}`} download={file.name}>
                {file.name}
              </a>{" "}
              <span className="quiet">{size(file.size_bytes)}</span>
            </li>
          ))}
        </ul>
      )}
      {delivery && shown && (
        <Group gap="xs" mt={4} className="small">
          <State name={shown} tone={TONES[shown] ?? "none"}>
            {DELIVERY[shown] ?? shown}
            {isWaiting && !lacks && message.send_at && Date.parse(message.send_at) > now
              ? `: leaves ${Date.parse(message.send_at) - now > 3_600_000 ? moment(message.send_at) : since(message.send_at, now)}`
              : ""}
          </State>
          {message.error && <span className="quiet">{message.error}</span>}
          {(lacks === "no_mailbox" || lacks === "no_mail_server") && (
            <Link to="/manage/mailboxes">{TEXTS.mailboxes}</Link>
          )}
          {lacks === "no_address" && onAddress && (
            <Button size="compact-xs" variant="default" onClick={onAddress}>
              {TEXTS.setAddress}
            </Button>
          )}
          {delivery === "failed" && onSendAgain && (
            <Button size="compact-xs" variant="default" onClick={() => onSendAgain(message)}>
              {TEXTS.sendAgain}
            </Button>
          )}
          {isWaiting && onWithdraw && (
            <Button size="compact-xs" variant="default" onClick={() => onWithdraw(message)}>
              Take back
            </Button>
          )}
        </Group>
      )}
      {onSplit && (
        <Button size="compact-xs" variant="subtle" mt={4} onClick={() => onSplit(message)}>
          Split off
        </Button>
      )}
    </li>
  );
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
