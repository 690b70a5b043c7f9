// Requests about questions.

import { answer, answerAs, client } from "../../api/client.ts";
import type { Conversation } from "./shapes.ts";

/** The same text sent twice by a person who saw no answer is one question: `attempt` names it. */
export function ask(question: string, conversation: string | undefined, attempt: string) {
  return answer(
    client.POST("/api/ask", {
      params: { header: { "Idempotency-Key": attempt } },
      body: { question, conversation_id: conversation ?? null },
    }),
  );
}

export function read(conversation: string, signal: AbortSignal) {
  return answerAs<Conversation>(client.GET("/api/ask/{id}", { params: { path: { id: conversation } }, signal }));
}

export function forget(conversation: string) {
  return answer(client.DELETE("/api/ask/{id}", { params: { path: { id: conversation } } }));
}

export function stop(conversation: string, exchange: string, job: string | null) {
  return answer(
    client.POST("/api/ask/{id}/stop", {
      params: { path: { id: conversation } },
      body: { exchange_id: exchange, job_id: job },
    }),
  );
}
