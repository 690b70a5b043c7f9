// Imports of orders: choose a file, see what it would become, import it, follow it.

import { Box, Button, FileButton, Group, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { answer, answerAs, client, upload } from "../../api/client.ts";
import type { Job, Page, Progress } from "../../api/shapes.ts";
import type { components } from "../../api.d.ts";
import { ProgressBar } from "../../operate/jobs/ProgressBar.tsx";
import { Age } from "../../parts/Age.tsx";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { count } from "../../parts/format.ts";
import { LIVE_MS, usePages } from "../../parts/pages.ts";
import { type Column, Rows } from "../../parts/Rows.tsx";
import { Body, Empty, Loading, Screen } from "../../parts/Screen.tsx";
import { State } from "../../parts/State.tsx";
import { fatesQuery, namesQuery } from "./after.ts";
import type { Fate } from "./fates.ts";
import { PreviewView } from "./PreviewView.tsx";
import { TEXTS } from "./texts.ts";

type Preview = components["schemas"]["PreviewView"];
type Outcome = { lines?: number; inserted?: number; duplicates?: number; rejected?: number };

/** The API looks at no more than this for a preview; of a longer file its beginning is sent. */
const PREVIEW_BYTES = 4 * 1024 * 1024;

const FIELDS = "id,state,created_at,finished_at,result,progress,error,kind,needs_scope";

type Names = Map<string, string>;

const columns = (fates: Map<string, Fate> | undefined, names: Names | undefined): Column<Job>[] => [
  {
    head: "Import",
    cell: (job) => (
      <Link to="/manage/imports/$id" params={{ id: job.id }}>
        <Age at={job.created_at} />
      </Link>
    ),
  },
  { head: "File", cell: (job) => <span dir="auto">{names?.get(job.id) || "–"}</span> },
  { head: "State", cell: (job) => <State name={fates?.get(job.id) ?? job.state} /> },
  {
    head: "Lines",
    isNumber: true,
    cell: (job) =>
      job.state === "running" && job.progress ? (
        <ProgressBar progress={job.progress as Progress} />
      ) : (
        count((job.result as Outcome | null)?.lines)
      ),
  },
  { head: "New", isNumber: true, cell: (job) => count((job.result as Outcome | null)?.inserted) },
  { head: "Known already", isNumber: true, cell: (job) => count((job.result as Outcome | null)?.duplicates) },
  {
    head: "Left out",
    isNumber: true,
    cell: (job) => (
      <Link to="/manage/imports/$id" params={{ id: job.id }}>
        {count((job.result as Outcome | null)?.rejected)}
      </Link>
    ),
  },
  { head: "Ended", cell: (job) => <Age at={job.finished_at} /> },
];

export function Imports() {
  const list = usePages<Job>(
    ["jobs", { kind: "import_orders" }],
    (cursor, signal) =>
      answerAs<Page<Job>>(
        client.GET("/api/jobs", {
          params: { query: { kind: "import_orders", fields: FIELDS, cursor, limit: 20 } },
          signal,
        }),
      ),
    LIVE_MS,
  );
  const since = list.rows?.at(-1)?.created_at;
  const fates = useQuery(fatesQuery(since));
  const names = useQuery(namesQuery(since));
  return (
    <Screen title={TEXTS.title} note={TEXTS.note} queries={[list.query]}>
      <NewImport />
      <Body query={list.query}>
        {() =>
          list.rows?.length ? (
            <Rows
              label={TEXTS.title}
              columns={columns(fates.data, names.data)}
              rows={list.rows}
              rowKey={(job) => job.id}
              onMore={list.onMore}
              isLoadingMore={list.query.isFetchingNextPage}
            />
          ) : (
            <Empty title={TEXTS.empty}>{TEXTS.drop}</Empty>
          )
        }
      </Body>
    </Screen>
  );
}

function NewImport() {
  const navigate = useNavigate();
  const [file, setFile] = useState<File | null>(null);
  const [currency, setCurrency] = useState("");
  const [mapping, setMapping] = useState<string | null>(null);
  const mappings = useQuery({
    queryKey: ["mappings"],
    queryFn: ({ signal }) => answer(client.GET("/api/orders/import/mappings", { signal })),
    staleTime: 60_000,
  });
  const search = new URLSearchParams();
  if (currency.length === 3) search.set("currency", currency.toUpperCase());
  if (mapping) search.set("mapping", mapping);
  const preview = useQuery({
    queryKey: ["preview", file?.name, file?.size, file?.lastModified, search.toString()],
    queryFn: () => {
      const chosen = file as File;
      const part = new URLSearchParams(search);
      if (chosen.size > PREVIEW_BYTES) part.set("part", "beginning");
      return upload<Preview>(`/api/orders/import/preview?${part}`, chosen.slice(0, PREVIEW_BYTES), typeOf(chosen));
    },
    enabled: file !== null,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const send = useAct({
    run: () => {
      const chosen = file as File;
      const whole = new URLSearchParams(search);
      whole.set("name", chosen.name.slice(-100));
      return upload<{ job_id: string }>(`/api/orders/import?${whole}`, chosen, typeOf(chosen));
    },
    changes: [["jobs"]],
    done: () => "The import has begun",
    isShownElsewhere: true,
    onDone: (out) => void navigate({ to: "/manage/imports/$id", params: { id: out.job_id } }),
  });
  return (
    <Box className="panel panel-pad" component="section" aria-label="New import">
      <Stack gap="sm">
        <Group gap="sm" align="end">
          <FileButton onChange={setFile}>
            {(props) => <Button {...props}>{file ? "Choose another file" : TEXTS.choose}</Button>}
          </FileButton>
          <TextInput
            label="Currency"
            description="When the file names none"
            placeholder="USD"
            maxLength={3}
            w={150}
            value={currency}
            onChange={(event) => setCurrency(event.currentTarget.value)}
          />
          <Select
            label="Mapping"
            description="Your own, by name"
            placeholder="By the header"
            clearable
            w={190}
            data={mappings.data?.items.map((known) => known.name) ?? []}
            value={mapping}
            onChange={setMapping}
          />
        </Group>
        {!file ? (
          <Text size="sm" className="quiet">
            {TEXTS.drop}
          </Text>
        ) : (
          <>
            <Title order={2} size="h5">
              {TEXTS.preview}: {file.name}
            </Title>
            {preview.isPending && <Loading rows={3} />}
            {preview.isError && <Failure error={preview.error} onRetry={() => void preview.refetch()} />}
            {preview.data && <PreviewView preview={preview.data} />}
            {send.isError && <Failure error={send.error} compact />}
            <Group>
              <Button
                onClick={() => send.mutate(undefined)}
                loading={send.isPending}
                disabled={!preview.data || Boolean(preview.data.problem)}
              >
                {TEXTS.go}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Box>
  );
}

function typeOf(file: File): string {
  const name = file.name.toLowerCase();
  if (name.endsWith(".json") || name.endsWith(".ndjson")) return "application/json";
  if (name.endsWith(".csv") || name.endsWith(".txt") || name.endsWith(".tsv")) return "text/csv";
  return "application/octet-stream";
}
