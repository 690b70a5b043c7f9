// Says what concerns the person who is signed in, on whatever screen they are: it stays until it is followed or closed,
// or until the ticket that it is said of is open. It listens to the desk's stream, of which a browser has one, without
// being at the desk for it. A key is nobody, so nothing concerns it.

import { Anchor, Text } from "@mantine/core";
import { notifications, notificationsStore } from "@mantine/notifications";
import { useRouter, useRouterState } from "@tanstack/react-router";
import { useCallback, useEffect } from "react";
import { type Told, useEvents } from "../../desk/live/stream.ts";
import type { DeskEvent } from "../../desk/shapes.ts";
import { may, type Session } from "../session.ts";
import { type Notice, noticeOf } from "./notices.ts";

/** Who may be told of no event at all is refused the stream. */
const STREAM = ["tickets:read", "webhooks:read"];

export function Notices({ session }: { session: Session }) {
  const isReader = !session.isKey && STREAM.some((permission) => may(session, permission));
  return isReader ? <Listening session={session} /> : null;
}

function Listening({ session }: { session: Session }) {
  const { history } = useRouter();
  const opened = useRouterState({ select: (state) => new URLSearchParams(state.location.searchStr).get("ticket") });
  useEffect(() => {
    if (opened) hideThoseOf(opened);
  }, [opened]);
  useEvents(
    useCallback(
      (told: Told) => {
        if (told.kind === "reload") return;
        const notice = noticeOf(told.event, { id: session.id, may: (permission) => may(session, permission) });
        // What is said of a ticket that is open here is seen in it.
        const open = new URLSearchParams(history.location.search).get("ticket");
        if (!notice || (notice.kind === "reply_failed" && open === told.event.ticket_id)) return;
        show(notice, told.event, (href) => history.push(href));
      },
      [session, history],
    ),
    false,
  );
  return null;
}

const NAMED = "notice-";

function hideThoseOf(ticket: string) {
  const { notifications: shown, queue } = notificationsStore.getState();
  for (const { id } of [...shown, ...queue]) {
    if (id?.startsWith(NAMED) && id.endsWith(`-of-${ticket}`)) notifications.hide(id);
  }
}

function show(notice: Notice, event: DeskEvent, go: (href: string) => void) {
  const { title, text, link, href } = notice;
  // After a cut the same event may come again.
  const id = `${NAMED}${event.id ?? crypto.randomUUID()}-of-${event.ticket_id ?? ""}`;
  notifications.show({
    id,
    title,
    autoClose: false,
    message: (
      <>
        {text && <Text size="sm">{text}</Text>}
        {href && (
          <Anchor
            size="sm"
            href={href}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return;
              event.preventDefault();
              notifications.hide(id);
              go(href);
            }}
          >
            {link}
          </Anchor>
        )}
      </>
    ),
  });
}
