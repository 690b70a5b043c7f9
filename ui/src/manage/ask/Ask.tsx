// A conversation with the shop's data: the question box, and under it questions and answers, the latest first. The server
// keeps the conversation for a day; which one it is stands in the address.

import { Alert, Button, Group, Stack, Text, Title, VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { answer, client } from "../../api/client.ts";
import { Problem } from "../../api/problem.ts";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { useFilters } from "../../parts/filters.ts";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { AnswerPart } from "./AnswerPart.tsx";
import "./ask.css";
import { forget, read } from "./calls.ts";
import { followUps } from "./followups.ts";
import { jobOf, useKeptText, useLastConversation } from "./kept.ts";
import { Pending } from "./Pending.tsx";
import { QuestionBox, useAsk } from "./QuestionBox.tsx";
import type { Conversation, Exchange } from "./shapes.ts";
import { EXAMPLES, TEXTS } from "./texts.ts";
import { isLost } from "./waiting.ts";

const LOOK_AGAIN_MS = 2_000;

export function Ask() {
  const [filters, change] = useFilters();
  const conversation = filters.conversation;
  const [text, write] = useKeptText(conversation);
  const [last, keepLast] = useLastConversation();
  const [isForgetting, setForgetting] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const found = useQuery({
    queryKey: ["ask", conversation],
    queryFn: ({ signal }) => read(conversation ?? "", signal),
    enabled: conversation !== undefined,
    // Where a job is in hand its stream says when to look.
    refetchInterval: ({ state }) => (state.data?.exchanges.some(isLookedFor) ? LOOK_AGAIN_MS : false),
  });
  const asking = useAsk((asked, question) => {
    if (text.trim() === question) write("");
    keepLast(asked.conversation_id);
    change({ conversation: asked.conversation_id });
    box.current?.focus();
  });
  const ask = (question: string) => asking.mutate({ text: question, conversation });
  const begin = () => {
    asking.reset();
    change({ conversation: null });
    box.current?.focus();
  };
  const end = useAct({
    run: (id: string) => forget(id),
    changes: [],
    gone: ["ask", conversation],
    done: () => TEXTS.forgotten,
    isShownElsewhere: true,
    onDone: () => {
      setForgetting(false);
      keepLast(null);
      write("");
      begin();
    },
  });
  const isOver = found.error instanceof Problem && found.error.kind === "gone" && found.data === undefined;
  const onStopped = (question: string) => {
    if (text.trim() === "") write(question);
    box.current?.focus();
  };
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      actions={
        conversation && (
          <>
            <Button variant="default" onClick={begin}>
              {TEXTS.begin}
            </Button>
            {!isOver && (
              <Button variant="default" onClick={() => setForgetting(true)}>
                {TEXTS.forget}
              </Button>
            )}
          </>
        )
      }
    >
      <Budget />
      <QuestionBox text={text} write={write} conversation={conversation} asking={asking} box={box} />
      {conversation === undefined || found.data?.exchanges.length === 0 ? (
        <Beginning
          onAsk={ask}
          isBusy={asking.isPending}
          last={conversation ? null : last}
          onBack={(id) => change({ conversation: id })}
        />
      ) : isOver ? (
        <Empty title={TEXTS.over}>{TEXTS.overNote}</Empty>
      ) : (
        <Body query={found}>
          {(known) => <Exchanges known={known} isBusy={asking.isPending} onAsk={ask} onStopped={onStopped} />}
        </Body>
      )}
      {isForgetting && conversation && (
        <Confirm
          title={TEXTS.forgetTitle}
          what={TEXTS.forgetWhat}
          verb={TEXTS.forget}
          isDestructive
          needsReason={false}
          error={end.error}
          isBusy={end.isPending}
          onClose={() => setForgetting(false)}
          onConfirm={() => end.mutate(conversation)}
        />
      )}
    </Screen>
  );
}

function isLookedFor(exchange: Exchange): boolean {
  return exchange.answer === null && jobOf(exchange.id) === null && !isLost(exchange.asked_at, Date.now());
}

type BeginningProps = {
  onAsk: (question: string) => void;
  isBusy: boolean;
  last: string | null;
  onBack: (id: string) => void;
};

function Beginning({ onAsk, isBusy, last, onBack }: BeginningProps) {
  return (
    <section aria-label={TEXTS.examples}>
      <Title order={2} size="h5" mb="xs">
        {TEXTS.examples}
      </Title>
      <Choices questions={EXAMPLES} onAsk={onAsk} isBusy={isBusy} />
      {last && (
        <Button mt="md" variant="subtle" onClick={() => onBack(last)}>
          {TEXTS.last}
        </Button>
      )}
    </section>
  );
}

function Choices({
  questions,
  onAsk,
  isBusy,
}: {
  questions: string[];
  onAsk: (question: string) => void;
  isBusy: boolean;
}) {
  return (
    <ul className="ask-choices">
      {questions.map((question) => (
        <li key={question}>
          <Button variant="default" className="ask-choice" disabled={isBusy} onClick={() => onAsk(question)}>
            {question}
          </Button>
        </li>
      ))}
    </ul>
  );
}

type ExchangesProps = {
  known: Conversation;
  isBusy: boolean;
  onAsk: (question: string) => void;
  onStopped: (question: string) => void;
};

function Exchanges({ known, isBusy, onAsk, onStopped }: ExchangesProps) {
  const exchanges = [...known.exchanges].reverse();
  const newest = exchanges[0];
  return (
    <Stack gap="md">
      <VisuallyHidden role="status">{newest?.answer ? `${TEXTS.answer}: ${newest.answer.text}` : ""}</VisuallyHidden>
      {exchanges.map((exchange) => (
        <section key={exchange.id} className="panel panel-pad" aria-label={exchange.question}>
          <Group justify="space-between" align="baseline" gap="xs" mb="xs">
            <Title order={2} size="h5" className="ask-question">
              {exchange.question}
            </Title>
            <Text size="xs" className="quiet">
              <Age at={exchange.asked_at} />
            </Text>
          </Group>
          {exchange.answer ? (
            <AnswerPart answer={exchange.answer} question={exchange.question} isFolded={exchange !== newest}>
              {exchange === newest && <FollowUps exchange={exchange} isBusy={isBusy} onAsk={onAsk} />}
            </AnswerPart>
          ) : (
            <Pending
              conversation={known.conversation_id}
              exchange={exchange}
              job={jobOf(exchange.id)}
              onStopped={onStopped}
              onAgain={onAsk}
            />
          )}
        </section>
      ))}
    </Stack>
  );
}

function FollowUps({
  exchange,
  isBusy,
  onAsk,
}: {
  exchange: Exchange;
  isBusy: boolean;
  onAsk: (question: string) => void;
}) {
  if (exchange.answer === null) return null;
  const questions = followUps(exchange.answer);
  if (questions.length === 0) return null;
  const label = exchange.answer.suggestions.length > 0 ? TEXTS.instead : TEXTS.followUps;
  return (
    <section aria-label={label}>
      <Text size="sm" fw={600} mb={4}>
        {label}
      </Text>
      <Choices questions={questions} onAsk={onAsk} isBusy={isBusy} />
    </section>
  );
}

/** What the month's budget says, for whoever may see it; others are told with each answer. */
function Budget() {
  const session = useQuery(sessionQuery);
  const usage = useQuery({
    queryKey: ["ai-usage", 1],
    queryFn: ({ signal }) => answer(client.GET("/api/ai/usage", { params: { query: { days: 1 } }, signal })),
    enabled: may(session.data, "reports:read"),
    staleTime: 60_000,
  });
  const verdict = usage.data?.verdict;
  if (verdict !== "stop" && verdict !== "warning") return null;
  return (
    <Alert variant="outline" color="orange" role="note" title={verdict === "stop" ? TEXTS.budget : TEXTS.warning}>
      <Text size="sm">
        {verdict === "stop" ? `${TEXTS.budgetNote} ` : ""}
        <Link to="/manage/usage">{TEXTS.toUsage}</Link>
      </Text>
    </Alert>
  );
}
