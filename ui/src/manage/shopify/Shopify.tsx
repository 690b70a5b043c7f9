// The shop at Shopify: whether it is connected, how fresh what we know of it is, how far a reading has come.

import { Alert, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { useFilters } from "../../parts/filters.ts";
import { CALM_MS } from "../../parts/pages.ts";
import { Body, Screen } from "../../parts/Screen.tsx";
import { State, type Tone } from "../../parts/State.tsx";
import { Connect } from "./Connect.tsx";
import { disconnectShop, type Shop, shop, shopKey, syncShop } from "./calls.ts";
import { Freshness } from "./Freshness.tsx";
import { Reading } from "./Reading.tsx";
import { isMoving, runOf } from "./reading.ts";
import { TEXTS } from "./texts.ts";

const READING_MS = 2_000;
const STATES: Record<string, [string, Tone]> = {
  connected: [TEXTS.connected, "good"],
  revoked: [TEXTS.revoked, "bad"],
  disconnected: [TEXTS.disconnected, "none"],
};

export function Shopify() {
  const [filters] = useFilters();
  const [isEnding, setEnding] = useState(false);
  const [askedAfter, setAskedAfter] = useState<string | null>(null);
  const known = useQuery({
    queryKey: shopKey,
    queryFn: ({ signal }) => shop(signal),
    refetchInterval: ({ state }) => (state.data && isMoving(state.data, askedAfter) ? READING_MS : CALM_MS),
  });
  const read = useAct({
    run: syncShop,
    changes: [shopKey],
    done: (asked) => (asked.created ? TEXTS.synced : TEXTS.syncedAlready),
    onDone: () => setAskedAfter(runOf(known.data?.reading ?? [])),
  });
  const end = useAct({
    run: disconnectShop,
    changes: [shopKey],
    done: () => TEXTS.gone,
    isShownElsewhere: true,
    onDone: () => setEnding(false),
  });
  const status = known.data?.status;
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      queries={[known]}
      actions={
        status === "connected" ? (
          <Button loading={read.isPending} onClick={() => read.mutate(undefined)}>
            {TEXTS.sync}
          </Button>
        ) : undefined
      }
    >
      {filters.refused && status !== "connected" && (
        <Alert role="alert" color="orange" variant="outline" title={TEXTS.refused}>
          {TEXTS.refusedWhy[filters.refused] ?? TEXTS.refusedElse}
        </Alert>
      )}
      <Body query={known}>
        {(shown) => (
          <>
            <Standing shop={shown} onEnd={() => setEnding(true)} />
            {shown.status === "connected" && <Freshness shop={shown} />}
            {shown.status !== "connected" && <Connect known={shown} />}
            {shown.status !== "disconnected" && <Reading parts={shown.reading} />}
            <div className="halves">
              <Privacy open={shown.privacy_requests_open} />
              <section className="panel panel-pad" aria-label={TEXTS.reads}>
                <Title order={2} size="h5">
                  {TEXTS.reads}
                </Title>
                <Text size="sm" className="quiet">
                  {TEXTS.readsNote}
                </Text>
              </section>
            </div>
          </>
        )}
      </Body>
      {isEnding && known.data?.shop && (
        <Confirm
          title={TEXTS.disconnectTitle}
          what={TEXTS.disconnectWhat}
          verb={TEXTS.disconnect}
          typed={known.data.shop}
          isDestructive
          needsReason={false}
          error={end.error}
          isBusy={end.isPending}
          onClose={() => setEnding(false)}
          onConfirm={() => end.mutate(undefined)}
        />
      )}
    </Screen>
  );
}

function Standing({ shop, onEnd }: { shop: Shop; onEnd: () => void }) {
  if (!shop.shop) return null;
  const [word, tone] = STATES[shop.status] ?? [shop.status, "none"];
  return (
    <section className="panel panel-pad" aria-label={TEXTS.health}>
      <Group justify="space-between" gap="sm">
        <Stack gap={2} miw={0}>
          <Text fw={600}>{shop.shop}</Text>
          <Text size="sm" component="div">
            <State name={shop.status} tone={tone}>
              {word}
            </State>{" "}
            <span className="quiet">
              since <Age at={shop.since} />
            </span>
          </Text>
        </Stack>
        {shop.status !== "disconnected" && (
          <Button variant="default" onClick={onEnd}>
            {TEXTS.disconnect}
          </Button>
        )}
      </Group>
      {shop.status === "revoked" && (
        <Alert role="alert" color="red" variant="outline" mt="sm" title={TEXTS.revokedTitle}>
          {shop.reason && <Text size="sm">{sentence(shop.reason)}</Text>}
          <Text size="sm">{TEXTS.revokedMeans}</Text>
        </Alert>
      )}
      {shop.status === "disconnected" && shop.reason && (
        <Text size="sm" className="quiet" mt={4}>
          {sentence(shop.reason)}
        </Text>
      )}
    </section>
  );
}

function Privacy({ open }: { open: number }) {
  return (
    <section className="panel panel-pad" aria-label={TEXTS.privacy}>
      <Title order={2} size="h5">
        {TEXTS.privacy}
      </Title>
      {open > 0 ? (
        <Text size="sm">
          <State name="open" tone="warn">
            {open === 1 ? "1 is open" : `${open} are open`}
          </State>{" "}
          <Link to="/manage/privacy" className="small">
            {TEXTS.privacyLink}
          </Link>
        </Text>
      ) : (
        <Text size="sm">{TEXTS.privacyNone}</Text>
      )}
      <Text size="sm" className="quiet">
        {TEXTS.privacyNote}
      </Text>
    </section>
  );
}

/** What the api says in half a sentence, as one of its own. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
