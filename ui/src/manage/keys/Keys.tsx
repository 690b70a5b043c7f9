// The tenant's API keys: made, shown once, revoked.

import { Button, Checkbox, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Confirm } from "../../parts/Confirm.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { CALM_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { Secret } from "../../parts/Secret.tsx";
import { State } from "../../parts/State.tsx";
import { sessionQuery } from "../../shell/session.ts";
import { type ApiKey, list, make, revoke } from "./calls.ts";
import { SPANS, TEXTS } from "./texts.ts";

export function Keys() {
  const [isMaking, setMaking] = useState(false);
  const [ending, setEnding] = useState<ApiKey | null>(null);
  const pages = usePages<ApiKey>(["keys"], list, CALM_MS);
  const end = useAct({
    run: (key: ApiKey) => revoke(key.id),
    changes: [["keys"]],
    done: () => TEXTS.revoked,
    isShownElsewhere: true,
    onDone: () => setEnding(null),
  });
  const columns: Column<ApiKey>[] = [
    {
      head: "Key",
      isWide: true,
      cell: (key) => (
        <>
          {key.name}
          <div className="mono quiet">dsk_{key.prefix}…</div>
        </>
      ),
    },
    { head: "Stands", cell: (key) => <Standing apiKey={key} /> },
    { head: "May", isWide: true, cell: (key) => <span className="small">{mayWhat(key)}</span> },
    { head: "Last used", cell: (key) => <Age at={key.last_used_at} /> },
    { head: "Made", cell: (key) => <Age at={key.created_at} /> },
    { head: "Ends", cell: (key) => <Age at={key.expires_at} /> },
    {
      head: "",
      cell: (key) =>
        key.revoked_at ? null : (
          <Button variant="default" aria-label={`${TEXTS.revoke}: ${key.name}`} onClick={() => setEnding(key)}>
            {TEXTS.revoke}
          </Button>
        ),
    },
  ];
  return (
    <Screen
      title={TEXTS.title}
      note={TEXTS.note}
      queries={[pages.query]}
      actions={<Button onClick={() => setMaking(true)}>{TEXTS.make}</Button>}
    >
      <Body query={pages.query}>
        {() =>
          pages.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={columns}
              rows={pages.rows}
              rowKey={(key) => key.id}
              onMore={pages.onMore}
              isLoadingMore={pages.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.emptyNote}</Empty>
          )
        }
      </Body>
      {isMaking && <NewKey onClose={() => setMaking(false)} />}
      {ending && (
        <Confirm
          title={`${TEXTS.revoke}: ${ending.name}`}
          what={TEXTS.revokeWhat}
          verb={TEXTS.revoke}
          isDestructive
          needsReason={false}
          error={end.error}
          isBusy={end.isPending}
          onClose={() => setEnding(null)}
          onConfirm={() => end.mutate(ending)}
        />
      )}
    </Screen>
  );
}

function mayWhat(key: ApiKey): string {
  return key.scopes.includes("operator") ? "operator: everything, of every tenant" : key.scopes.join(", ");
}

export function Standing({ apiKey }: { apiKey: ApiKey }) {
  if (apiKey.revoked_at) return <State name="revoked">Revoked</State>;
  if (apiKey.expires_at && Date.parse(apiKey.expires_at) < Date.now()) return <State name="expired">Expired</State>;
  return <State name="active">Works</State>;
}

function NewKey({ onClose }: { onClose: () => void }) {
  const session = useQuery(sessionQuery);
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<string[]>([]);
  const [days, setDays] = useState("");
  const add = useAct({
    run: () => {
      const expires = days === "" ? null : new Date(Date.now() + Number(days) * 86_400_000).toISOString();
      return make({ name, scopes, expires_at: expires });
    },
    changes: [["keys"]],
    isShownElsewhere: true,
  });
  return (
    <Dialog onClose={onClose} title={TEXTS.make} size="lg">
      {add.data ? (
        <Stack gap="sm">
          <Secret text={add.data.key} note={TEXTS.shown} />
          <Group justify="flex-end">
            <Button onClick={onClose}>{TEXTS.done}</Button>
          </Group>
        </Stack>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            add.mutate(undefined);
          }}
        >
          <Stack gap="sm">
            <TextInput
              label={TEXTS.name}
              description={TEXTS.nameHint}
              required
              maxLength={200}
              data-autofocus
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Checkbox.Group label={TEXTS.may} required value={scopes} onChange={setScopes}>
              <div className="form-grid" style={{ marginTop: 6 }}>
                {(session.data?.permissions ?? []).map((scope) => (
                  <Checkbox key={scope} value={scope} label={scope} size="sm" />
                ))}
              </div>
            </Checkbox.Group>
            <NativeSelect
              label={TEXTS.until}
              size="xs"
              data={SPANS}
              value={days}
              onChange={(event) => setDays(event.currentTarget.value)}
            />
            {add.isError && <Failure error={add.error} compact />}
            <Group justify="flex-end" gap="xs">
              <Text size="sm" className="quiet" mr="auto">
                {scopes.length === 0 ? "Choose at least one thing" : ""}
              </Text>
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={add.isPending} disabled={scopes.length === 0}>
                {TEXTS.make}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}
