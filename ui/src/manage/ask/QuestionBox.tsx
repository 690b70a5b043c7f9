// Where questions are written: Enter sends, what is not sent yet survives a reload, and a refusal leaves it.

import { Alert, Button, Group, Text, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type RefObject, useRef } from "react";
import { Problem } from "../../api/problem.ts";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { count } from "../../parts/format.ts";
import { ask } from "./calls.ts";
import { keepJob } from "./kept.ts";
import type { Asked, Conversation } from "./shapes.ts";
import { TEXTS } from "./texts.ts";

/** Characters of a question at most. */
const LONGEST = 2_000;

type Question = { text: string; conversation: string | undefined };

/** Asks; what was asked stands in the conversation at once. */
export function useAsk(onAsked: (asked: Asked, question: string) => void) {
  const cache = useQueryClient();
  // One name for the same text until there was an answer: who presses twice asks once.
  const attempt = useRef({ text: "", conversation: "", name: "" });
  return useAct({
    run: ({ text, conversation }: Question) => {
      const { current } = attempt;
      if (current.text !== text || current.conversation !== (conversation ?? "")) {
        attempt.current = { text, conversation: conversation ?? "", name: crypto.randomUUID() };
      }
      return ask(text, conversation, attempt.current.name);
    },
    changes: [],
    isShownElsewhere: true,
    onDone: (asked, { text }) => {
      attempt.current = { text: "", conversation: "", name: "" };
      keepJob(asked.exchange_id, asked.job_id);
      const exchange = {
        id: asked.exchange_id,
        question: text,
        asked_at: new Date().toISOString(),
        answered_at: null,
        answer: null,
      };
      cache.setQueryData<Conversation>(["ask", asked.conversation_id], (known) => ({
        conversation_id: asked.conversation_id,
        exchanges: [...(known?.exchanges ?? []), exchange],
      }));
      onAsked(asked, text);
    },
  });
}

type Props = {
  text: string;
  write: (text: string) => void;
  conversation: string | undefined;
  asking: ReturnType<typeof useAsk>;
  box: RefObject<HTMLTextAreaElement | null>;
};

export function QuestionBox({ text, write, conversation, asking, box }: Props) {
  const question = text.trim();
  const length = [...question].length;
  const canSend = length > 0 && length <= LONGEST && !asking.isPending;
  const send = () => {
    if (canSend) asking.mutate({ text: question, conversation });
  };
  return (
    <form
      className="panel panel-pad"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Textarea
        ref={box}
        label={TEXTS.label}
        autosize
        minRows={2}
        maxRows={8}
        value={text}
        onChange={(event) => write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          send();
        }}
        error={length > LONGEST ? `${count(length)} of ${count(LONGEST)} characters: shorten it` : undefined}
      />
      <Group justify="space-between" mt="xs" gap="xs">
        <Text size="xs" className="quiet">
          {TEXTS.hint}
        </Text>
        <Button type="submit" disabled={!canSend} loading={asking.isPending}>
          {conversation ? TEXTS.goOn : TEXTS.ask}
        </Button>
      </Group>
      {asking.isError && (
        <Refused error={asking.error} onAnew={() => asking.mutate({ text: question, conversation: undefined })} />
      )}
    </form>
  );
}

function Refused({ error, onAnew }: { error: unknown; onAnew: () => void }) {
  const status = error instanceof Problem ? error.status : 0;
  if (status !== 404 && status !== 409) return <Failure error={error} />;
  return (
    <Alert role="alert" variant="outline" color="orange" mt="sm" title={status === 404 ? TEXTS.over : TEXTS.tooLong}>
      {status === 404 && <Text size="sm">{TEXTS.overNote}</Text>}
      <Button mt="xs" variant="default" onClick={onAnew}>
        {TEXTS.askAnew}
      </Button>
    </Alert>
  );
}
