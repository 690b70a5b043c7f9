// A source made or changed in three steps: where it is, what its columns mean, what it would bring. It can be saved when what
// was shown is what would be saved.

import { Button, Group, NativeSelect, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useAct } from "../../parts/act.tsx";
import { count } from "../../parts/format.ts";
import { Body, Empty, Screen } from "../../parts/Screen.tsx";
import { PreviewView } from "../imports/PreviewView.tsx";
import { type Columns, columnsOf, mappings, previewOf, type Source, saveSource, sources, sourcesKey } from "./calls.ts";
import { FaultView, PlaceFailure } from "./FaultView.tsx";
import { bodyOf, type Form, guessed, type Mapping, rowsOf } from "./form.ts";
import { fresh, KINDS, kindOf, placeOf, typedOf } from "./kinds.ts";
import { MeaningTable } from "./MeaningTable.tsx";
import { PlaceFields } from "./PlaceFields.tsx";
import { Readings } from "./Readings.tsx";
import { TEXTS } from "./texts.ts";

type Named = { name: string; mapping: Mapping };
type There = { all: Source[]; zone: string | null; saved: Named[] };

export function SourceEditor() {
  const { id } = useParams({ strict: false }) as { id: string };
  const isNew = id === "new";
  const known = useQuery({
    queryKey: [...sourcesKey, "editor"],
    queryFn: async ({ signal }): Promise<There> => {
      const [{ items, zone }, saved] = await Promise.all([sources(signal), mappings(signal)]);
      return { all: items, zone, saved };
    },
    // What is being typed is not written over.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  return (
    <Screen
      title={isNew ? TEXTS.newTitle : `${TEXTS.editTitle}: ${id}`}
      note={TEXTS.editNote}
      actions={
        <Link to="/manage/sources" className="small">
          {TEXTS.back}
        </Link>
      }
    >
      <Body query={known}>
        {({ all, zone, saved }) => {
          const source = all.find((one) => one.name === id) ?? null;
          return source || isNew ? (
            <Editor key={id} source={source} all={all} zone={zone} saved={saved} />
          ) : (
            <Empty title={TEXTS.gone}>{TEXTS.goneNote}</Empty>
          );
        }}
      </Body>
    </Screen>
  );
}

function Editor({ source, all, zone, saved }: { source: Source | null } & There) {
  const navigate = useNavigate();
  const [kindName, setKind] = useState(source?.place.kind ?? KINDS[0]?.kind ?? "");
  const kind = kindOf(kindName);
  const [form, setForm] = useState<Form>(() => formOf(source, saved));
  const set = (next: Partial<Form>) => setForm((before) => ({ ...before, ...next }));
  const savedAs = source?.name ?? null;
  const look = useMutation<Columns, unknown, void>({
    mutationFn: () => columnsOf(placeOf(kind ?? (KINDS[0] as never), form.typed), form.password, savedAs),
    onSuccess: ({ columns }) => {
      if (Object.keys(form.meanings).length === 0) set({ meanings: guessed(columns) });
    },
  });
  const body = kind && bodyOf(kind, form);
  const shown = JSON.stringify(body);
  const preview = useMutation({
    mutationFn: async (asked: string) => ({ asked, preview: await previewOf(JSON.parse(asked), savedAs) }),
  });
  const isStale = preview.data !== undefined && preview.data.asked !== shown;
  const save = useAct({
    run: async () => (body ? saveSource(savedAs ?? form.name.trim(), body) : null),
    changes: [sourcesKey],
    done: () => TEXTS.savedDone,
    isShownElsewhere: true,
    onDone: () => void navigate({ to: "/manage/sources" }),
  });
  const others = all.filter((one) => one.name !== savedAs && one.mapping === body?.mapping).map((one) => one.name);
  if (!kind) return <Empty title={`This page does not know sources of the kind ${kindName}`} />;
  const rows = rowsOf(look.data?.columns ?? null, form.meanings);
  const mean = (column: string, meaning: string | null) => {
    const { [column]: _, ...left } = form.meanings;
    set({ meanings: meaning ? { ...left, [column]: meaning } : left });
  };
  return (
    <Stack gap="md" maw={980}>
      {source?.problem && (
        <section className="panel panel-pad" aria-label={TEXTS.stopped}>
          <Text fw={600}>{TEXTS.stopped}</Text>
          <FaultView text={source.problem} />
        </section>
      )}
      <form
        className="panel panel-pad"
        aria-label={TEXTS.where}
        onSubmit={(event) => {
          event.preventDefault();
          look.mutate();
        }}
      >
        <Stack gap="sm">
          <Title order={2} size="h5">
            {TEXTS.where}
          </Title>
          <div className="form-grid" style={{ alignItems: "start" }}>
            <TextInput
              label={TEXTS.name}
              description={TEXTS.nameHint}
              required
              disabled={source !== null}
              pattern="[A-Za-z0-9._\-]+"
              maxLength={64}
              autoComplete="off"
              value={form.name}
              onChange={(event) => set({ name: event.currentTarget.value })}
            />
            <NativeSelect
              label={TEXTS.kind}
              description={kind.about}
              size="xs"
              data={KINDS.map(({ kind, label }) => ({ value: kind, label }))}
              value={kind.kind}
              onChange={(event) => {
                const next = kindOf(event.currentTarget.value);
                if (!next) return;
                setKind(next.kind);
                set({ typed: { ...fresh(next), ...keptOf(form.typed, kind) } });
                look.reset();
              }}
            />
          </div>
          <PlaceFields
            kind={kind}
            typed={form.typed}
            onType={(name, value) => set({ typed: { ...form.typed, [name]: value } })}
            password={form.password}
            onPassword={(password) => set({ password })}
            isSaved={source !== null}
          />
          {source === null && (
            <Text size="sm" className="quiet">
              {TEXTS.others}
            </Text>
          )}
          {look.isError && <PlaceFailure error={look.error} />}
          <Group gap="sm">
            <Button type="submit" variant={look.data ? "default" : "filled"} loading={look.isPending}>
              {TEXTS.look}
            </Button>
            {look.data && (
              <Text size="sm" role="status">
                {count(look.data.columns.length)} {look.data.columns.length === 1 ? TEXTS.lookedOne : TEXTS.looked}
              </Text>
            )}
          </Group>
        </Stack>
      </form>
      <form
        aria-label={TEXTS.meaning}
        className="panel panel-pad"
        onSubmit={(event) => {
          event.preventDefault();
          preview.mutate(shown);
        }}
      >
        <Stack gap="sm">
          <div>
            <Title order={2} size="h5">
              {TEXTS.meaning}
            </Title>
            <Text size="sm" className="quiet">
              {TEXTS.meaningNote}
            </Text>
          </div>
          <div className="form-grid">
            {saved.length > 0 && (
              <NativeSelect
                label={TEXTS.saved}
                size="xs"
                data={[{ value: "", label: TEXTS.savedNone }, ...saved.map(({ name }) => name)]}
                value={saved.some(({ name }) => name === form.mapping) ? form.mapping : ""}
                onChange={(event) => {
                  const name = event.currentTarget.value;
                  const taken = saved.find((one) => one.name === name)?.mapping;
                  if (!taken) return set({ mapping: "" });
                  const { columns, ...rest } = taken;
                  set({ mapping: name, meanings: columns, rest });
                }}
              />
            )}
            <TextInput
              label={TEXTS.mapping}
              description={TEXTS.mappingHint}
              placeholder={form.name}
              pattern="[A-Za-z0-9._\-]+"
              maxLength={64}
              autoComplete="off"
              value={form.mapping}
              onChange={(event) => set({ mapping: event.currentTarget.value })}
            />
            <TextInput
              label={TEXTS.currency}
              description={TEXTS.currencyHint}
              placeholder="EUR"
              required
              pattern="[A-Za-z]{3}"
              maxLength={3}
              value={form.currency}
              onChange={(event) => set({ currency: event.currentTarget.value })}
            />
          </div>
          {others.length > 0 && (
            <Text size="sm">
              {TEXTS.shared}
              {others.join(", ")}
            </Text>
          )}
          {rows.length > 0 ? (
            <MeaningTable rows={rows} onMean={mean} />
          ) : (
            <Text size="sm" className="quiet">
              {TEXTS.meaningFirst}
            </Text>
          )}
          {look.data?.has_more && <Text size="sm">{TEXTS.more}</Text>}
          <Group gap="sm">
            <Button
              type="submit"
              variant={preview.data && !isStale ? "default" : "filled"}
              disabled={rows.length === 0}
              loading={preview.isPending}
            >
              {TEXTS.previewDo}
            </Button>
            <Text size="sm" className="quiet">
              {TEXTS.previewNote}
            </Text>
          </Group>
        </Stack>
      </form>
      {(preview.isError || preview.data) && (
        <section className="panel panel-pad" aria-label={TEXTS.preview}>
          <Stack gap="sm">
            <Title order={2} size="h5">
              {TEXTS.preview}
            </Title>
            {preview.isError && <PlaceFailure error={preview.error} />}
            {preview.data && <PreviewView preview={preview.data.preview} />}
            {isStale && (
              <Text size="sm" role="status" fw={600}>
                {TEXTS.stale}
              </Text>
            )}
            {save.isError && <PlaceFailure error={save.error} />}
            <Group>
              <Button
                disabled={!preview.data || isStale || Boolean(preview.data.preview.problem)}
                loading={save.isPending}
                onClick={() => save.mutate(undefined)}
              >
                {TEXTS.save}
              </Button>
            </Group>
          </Stack>
        </section>
      )}
      {source && <Readings name={source.name} zone={zone} />}
    </Stack>
  );
}

function formOf(source: Source | null, saved: Named[]): Form {
  const first = KINDS[0];
  const mapping = saved.find((one) => one.name === source?.mapping)?.mapping;
  const { columns = {}, ...rest } = mapping ?? {};
  return {
    name: source?.name ?? "",
    typed: source ? typedOf(source.place) : first ? fresh(first) : {},
    password: "",
    mapping: source?.mapping ?? "",
    rest,
    meanings: columns,
    currency: source?.currency ?? "",
  };
}

/** What was typed for one kind and says the same of another; a port is each kind's own. */
function keptOf(typed: Record<string, string>, kind: { fields: { name: string; is?: string }[] }) {
  const own = new Set(kind.fields.filter((field) => field.is === "port").map((field) => field.name));
  return Object.fromEntries(Object.entries(typed).filter(([name, value]) => value !== "" && !own.has(name)));
}
