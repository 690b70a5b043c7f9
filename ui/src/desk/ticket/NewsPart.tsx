// Something new came while a reply was written: it is shown, and the reply leaves once its writer says that they read it.

import { Button, Text } from "@mantine/core";
import { TEXTS } from "../texts.ts";
import type { News } from "./news.ts";

type Props = { news: News; isBusy: boolean; onGo: () => void };

export function NewsPart({ news, isBusy, onGo }: Props) {
  return (
    <section className="desk-news" role="alert" aria-label={TEXTS.newTitle}>
      <Text size="sm" fw={600}>
        {TEXTS.newTitle}
      </Text>
      <Text size="sm">{TEXTS.newNote}</Text>
      {news.messages.map((message) => (
        <div key={message.id} className="desk-text" dir="auto">
          <strong>{message.from === "note" ? "Note" : message.sender_name || message.from}: </strong>
          {message.text}
        </div>
      ))}
      <Button mt={6} onClick={onGo} loading={isBusy}>
        {TEXTS.sendAnyway}
      </Button>
    </section>
  );
}
