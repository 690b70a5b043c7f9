// A new import: choose a file, see what it would become, say what it leaves open, import it.

import { Alert, Box, Button, FileButton, Group, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { Problem } from "../../api/problem.ts";
import { useAct } from "../../parts/act.tsx";
import { Failure } from "../../parts/Failure.tsx";
import { percent, size } from "../../parts/format.ts";
import { Loading } from "../../parts/Screen.tsx";
import { importOf, mappingsQuery, type Preview, previewOf } from "./calls.ts";
import { MappingPart } from "./MappingPart.tsx";
import { mappingName } from "./meanings.ts";
import { PreviewView } from "./PreviewView.tsx";
import { ReadingFields } from "./ReadingFields.tsx";
import { LABELS, parametersOf, type Stated, said } from "./reading.ts";
import { TEXTS } from "./texts.ts";
import { askedOf, type ColumnTold, columnsOf, lacking } from "./told.ts";

/** While somebody types, nothing is asked. */
const WAIT_MS = 500;

export function NewImport() {
  const navigate = useNavigate();
  const [file, setFile] = useState<File | null>(null);
  const [stated, setStated] = useState<Stated>({});
  const [mapping, setMapping] = useState<string | null>(null);
  const [columns, setColumns] = useState<ColumnTold[]>([]);
  const [sent, setSent] = useState(0);
  const head = useRef<HTMLHeadingElement>(null);
  const mappings = useQuery(mappingsQuery);
  const chosen = mappings.data?.items.find(({ name }) => name === mapping);
  const parameters = parametersOf(stated, mapping).toString();
  const [asked] = useDebouncedValue(parameters, WAIT_MS);
  const preview = useQuery({
    queryKey: ["preview", file?.name, file?.size, file?.lastModified, asked, chosen?.updated_at],
    queryFn: ({ signal }) => {
      setSent(0);
      return previewOf(file as File, asked, { signal, onProgress: setSent });
    },
    enabled: file !== null && asked === parameters && (mapping === null || chosen !== undefined),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    // That of the same file, while it is looked at in another way.
    placeholderData: (before: Preview | undefined, query) =>
      query?.queryKey[1] === file?.name && query?.queryKey[3] === file?.lastModified ? before : undefined,
  });
  const isLooking = preview.isFetching || asked !== parameters;
  const told = useMemo(() => columnsOf(preview.data, preview.error), [preview.data, preview.error]);
  useEffect(() => {
    if (told) setColumns(told);
  }, [told]);
  const send = useAct({
    run: () => {
      setSent(0);
      return importOf(file as File, parameters, { onProgress: setSent });
    },
    changes: [["jobs"]],
    done: () => "The import has begun",
    isShownElsewhere: true,
    onDone: (out) => void navigate({ to: "/manage/imports/$id", params: { id: out.job_id } }),
  });
  const choose = (next: File | null) => {
    if (next === null) return;
    setFile(next);
    setColumns([]);
    // What was said of another file may be wrong of this one.
    setStated(({ currency = "" }) => ({ currency }));
    send.reset();
  };
  return (
    <Box className="panel panel-pad" component="section" aria-label={TEXTS.fresh}>
      <Stack gap="sm">
        <Group gap="sm" align="end">
          <FileButton onChange={choose}>
            {(props) => <Button {...props}>{file ? "Choose another file" : TEXTS.choose}</Button>}
          </FileButton>
          <TextInput
            label={LABELS.currency}
            description={chosen?.mapping.currency ? `The mapping says ${chosen.mapping.currency}` : TEXTS.currency}
            placeholder={TEXTS.ofShop}
            maxLength={3}
            w={170}
            value={stated.currency ?? ""}
            onChange={(event) => {
              const currency = event.currentTarget.value;
              setStated((before) => ({ ...before, currency }));
            }}
          />
          <Select
            label={TEXTS.mapping}
            description={TEXTS.mappingChoice}
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
            <Title order={2} size="h5" ref={head} tabIndex={-1}>
              {TEXTS.preview}: {file.name}
            </Title>
            <ReadingFields
              stated={stated}
              onState={(field, value) => setStated((before) => ({ ...before, [field]: value }))}
              preview={preview.data}
              asked={askedOf(preview.data, preview.error)}
            />
            {columns.length > 0 && (
              <MappingPart
                key={JSON.stringify([file.name, file.lastModified, mapping, columns])}
                columns={columns}
                chosen={chosen?.mapping}
                called={mapping ?? mappingName(file.name)}
                taken={mappings.data?.items.map(({ name }) => name) ?? []}
                words={preview.data?.unknown_statuses ?? []}
                stated={stated}
                isNeeded={lacking(preview.error) !== null}
                onSaved={(name) => {
                  setMapping(name);
                  // The form begins anew, so the focus is put where its result is.
                  head.current?.focus();
                }}
              />
            )}
            {isLooking && <Sent share={sent} bytes={file.size} />}
            {isLooking && !preview.data && <Loading rows={3} />}
            {preview.isError && !isLooking && <Refusal error={preview.error} onRetry={() => void preview.refetch()} />}
            {preview.data && <PreviewView preview={preview.data} say={said} />}
            {send.isError && <Failure error={send.error} compact />}
            {send.isPending && <Sent share={sent} bytes={file.size} />}
            <Group>
              <Button
                onClick={() => send.mutate(undefined)}
                loading={send.isPending}
                disabled={!preview.data || isLooking || Boolean(preview.data.problem)}
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

/** Below this nothing is shown: it is sent before anybody has read it. */
const SHOWN_FROM_BYTES = 1_000_000;

function Sent({ share, bytes }: { share: number; bytes: number }) {
  if (bytes < SHOWN_FROM_BYTES) return null;
  return (
    <div>
      <Text size="sm">
        {share < 1 ? `${percent(share)} sent, of a file of ${size(bytes)}.` : "It is sent and being read."}
      </Text>
      <div className="bar" aria-hidden="true">
        <span style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  );
}

/** Why the file cannot be looked at: what is to be said of it on this page, or what went wrong. */
function Refusal({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  if (!(error instanceof Problem) || error.kind !== "invalid") return <Failure error={error} onRetry={onRetry} />;
  const lacks = lacking(error);
  return (
    <Alert color="orange" variant="outline" role="alert" title={TEXTS.cannot}>
      {lacks ? `${TEXTS.unread} ${lacks.join(", ")}. ${TEXTS.unreadAdvice}` : said(error.message)}
    </Alert>
  );
}
