// The dialog before something that cannot be taken back by a click: how many it concerns, a reason, and from a hundred up
// the number typed. What was typed stays when the server refuses.

import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { type ReactNode, useId, useState } from "react";
import { Dialog } from "./Dialog.tsx";
import { Failure } from "./Failure.tsx";
import { count } from "./format.ts";
import { TEXTS } from "./texts.ts";

/** From so many on a person types what they are about to do. */
const TYPED_FROM = 100;

type Props = {
  title: string;
  what: ReactNode;
  verb: string;
  matching?: number | null | undefined;
  /** What is counted: one, and several. */
  things?: readonly [string, string];
  /** A name to be typed, where what ends has one. */
  typed?: string;
  isDestructive?: boolean;
  needsReason?: boolean;
  error: unknown;
  isBusy: boolean;
  onClose: () => void;
  onConfirm: (reason: string | null) => void;
  children?: ReactNode;
};

export function Confirm(props: Props) {
  const {
    title,
    what,
    verb,
    matching,
    things = ["job", "jobs"],
    typed: name,
    isDestructive,
    needsReason = true,
    error,
    isBusy,
    onClose,
    onConfirm,
    children,
  } = props;
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const form = useId();
  const word = name ?? typedWord(matching);
  const isReady = matching !== 0 && (!needsReason || reason.trim() !== "") && (word === null || typed.trim() === word);
  return (
    <Dialog onClose={onClose} title={title}>
      <form
        id={form}
        onSubmit={(event) => {
          event.preventDefault();
          // The dialog may be opened out of a form, which is not to be sent by it.
          event.stopPropagation();
          if (isReady) onConfirm(reason.trim() || null);
        }}
      >
        <Stack gap="sm">
          <Text size="sm" component="div">
            {what}
          </Text>
          {matching !== undefined && matching !== null && (
            <Text size="sm">
              Concerns <strong>{count(matching)}</strong> {matching === 1 ? things[0] : things[1]}, counted just now.
            </Text>
          )}
          {children}
          {needsReason && (
            <TextInput
              label={TEXTS.reason}
              description={TEXTS.reasonHint}
              maxLength={500}
              required
              data-autofocus
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
          )}
          {word !== null && (
            <TextInput
              label={`Type ${word} to go on`}
              autoComplete="off"
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
          )}
          {error ? <Failure error={error} compact /> : null}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {TEXTS.cancel}
            </Button>
            <Button type="submit" color={isDestructive ? "red" : undefined} disabled={!isReady} loading={isBusy}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

/** What has to be typed: the number itself, or nothing for few. */
function typedWord(matching: number | null | undefined): string | null {
  return matching !== undefined && matching !== null && matching >= TYPED_FROM ? String(matching) : null;
}
