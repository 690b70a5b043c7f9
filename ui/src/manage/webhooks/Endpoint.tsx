// One endpoint: what it is, what can be done with it, and what was delivered to it.

import { Box, Button, Menu, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { moment } from "../../parts/format.ts";
import { CALM_MS } from "../../parts/pages.ts";
import { Body, Screen } from "../../parts/Screen.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { Listens } from "../events/EventPicker.tsx";
import {
  DELIVERIES,
  disable,
  ENDPOINTS,
  endpointQuery,
  type Endpoint as Known,
  pause,
  remove,
  renewSecret,
  resume,
  tryOut,
} from "./calls.ts";
import { DeliveryList } from "./Deliveries.tsx";
import { EndpointDialog, SecretDialog } from "./EndpointDialog.tsx";
import { TEXTS } from "./texts.ts";
import { EndpointState } from "./Webhooks.tsx";

type Asked = "renew" | "disable" | "remove";

export function Endpoint() {
  const { id } = useParams({ strict: false }) as { id: string };
  const session = useQuery(sessionQuery);
  const query = useQuery({ ...endpointQuery(id), refetchInterval: CALM_MS });
  return (
    <Screen
      title={query.data ? hostOf(query.data.url) : TEXTS.head}
      note={<span className="mono">{query.data?.url ?? id}</span>}
      queries={[query]}
      actions={query.data && may(session.data, "settings:write") && <Acts endpoint={query.data} />}
    >
      <Body query={query}>
        {(endpoint) => (
          <>
            <Facts endpoint={endpoint} />
            <Title order={2} size="h5">
              {TEXTS.deliveries}
            </Title>
            <DeliveryList endpoint={endpoint} />
          </>
        )}
      </Body>
    </Screen>
  );
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return TEXTS.head;
  }
}

function Facts({ endpoint }: { endpoint: Known }) {
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.facts}>
      <dl className="facts">
        <dt>{TEXTS.stands}</dt>
        <dd>
          <EndpointState endpoint={endpoint} />
        </dd>
        {endpoint.description && (
          <>
            <dt>{TEXTS.description}</dt>
            <dd>{endpoint.description}</dd>
          </>
        )}
        <dt>{TEXTS.listens}</dt>
        <dd>
          <Listens events={endpoint.events} />
        </dd>
        <dt>Order</dt>
        <dd>{endpoint.ordered ? TEXTS.ordered : "Any, up to four at once"}</dd>
        <dt>{TEXTS.arrived}</dt>
        <dd>
          <Age at={endpoint.last_success_at} />
        </dd>
        {endpoint.old_secret_until && Date.parse(endpoint.old_secret_until) > Date.now() && (
          <>
            <dt>{TEXTS.oldSecret}</dt>
            <dd>{moment(endpoint.old_secret_until)}</dd>
          </>
        )}
        <dt>{TEXTS.made}</dt>
        <dd>{moment(endpoint.created_at)}</dd>
      </dl>
    </Box>
  );
}

function Acts({ endpoint }: { endpoint: Known }) {
  const navigate = useNavigate();
  const [isEdited, setEdited] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const test = useAct({
    run: () => tryOut(endpoint.id),
    changes: [DELIVERIES],
    done: () => TEXTS.tested,
  });
  const flip = useAct({
    run: (to: "pause" | "resume") => (to === "pause" ? pause(endpoint.id) : resume(endpoint.id)),
    changes: [ENDPOINTS, DELIVERIES],
    done: (_, to) => (to === "pause" ? TEXTS.paused : TEXTS.resumed),
    undo: (to) => (to === "pause" ? resume(endpoint.id) : pause(endpoint.id)),
  });
  const act = useAct({
    run: async (what: Asked) => {
      if (what === "renew") return (await renewSecret(endpoint.id)).secret;
      await (what === "disable" ? disable(endpoint.id) : remove(endpoint.id));
      return null;
    },
    changes: [ENDPOINTS, DELIVERIES],
    // The endpoint that is gone is not asked for again while its page is still shown.
    ...(asked === "remove" ? { gone: [...ENDPOINTS, endpoint.id] } : {}),
    done: (_, what) => (what === "remove" ? TEXTS.removed : what === "disable" ? TEXTS.disabled : null),
    isShownElsewhere: true,
    onDone: (made, what) => {
      setAsked(null);
      if (made) setSecret(made);
      if (what === "remove") void navigate({ to: "/manage/webhooks" });
    },
  });
  const words = {
    renew: [TEXTS.renew, TEXTS.renewWhat],
    disable: [TEXTS.disable, TEXTS.disableWhat],
    remove: [TEXTS.remove, TEXTS.removeWhat],
  } as const;
  return (
    <>
      <Button onClick={() => test.mutate(undefined)} loading={test.isPending}>
        {TEXTS.test}
      </Button>
      <Button variant="default" onClick={() => setEdited(true)}>
        {TEXTS.change}
      </Button>
      {endpoint.state === "active" ? (
        <Button variant="default" loading={flip.isPending} onClick={() => flip.mutate("pause")}>
          {TEXTS.pause}
        </Button>
      ) : (
        <Button variant="default" loading={flip.isPending} onClick={() => flip.mutate("resume")}>
          {TEXTS.resume}
        </Button>
      )}
      <Menu position="bottom-end" withinPortal transitionProps={{ duration: 0 }}>
        <Menu.Target>
          <Button variant="default">
            {TEXTS.more} <span aria-hidden="true">&nbsp;▾</span>
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setAsked("renew")}>{TEXTS.renew}</Menu.Item>
          {endpoint.state !== "disabled" && <Menu.Item onClick={() => setAsked("disable")}>{TEXTS.disable}</Menu.Item>}
          <Menu.Item onClick={() => setAsked("remove")}>{TEXTS.remove}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isEdited && <EndpointDialog known={endpoint} onClose={() => setEdited(false)} />}
      {asked && (
        <Confirm
          title={`${words[asked][0]}: ${hostOf(endpoint.url)}`}
          what={words[asked][1]}
          verb={words[asked][0]}
          isDestructive={asked !== "renew"}
          needsReason={false}
          error={act.error}
          isBusy={act.isPending}
          onClose={() => setAsked(null)}
          onConfirm={() => act.mutate(asked)}
        />
      )}
      {secret && <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
    </>
  );
}
