// A screen: its heading, how old its figures are, and one of three bodies: still loading, failed, or there.

import { Box, Button, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { useKeys } from "../shell/keys.ts";
import { Failure } from "./Failure.tsx";
import { since } from "./format.ts";
import { useNow } from "./now.ts";
import { TEXTS } from "./texts.ts";

type HeadProps = {
  title: string;
  note?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
  queries?: UseQueryResult<unknown>[];
};

export function Screen({ title, note, actions, children, queries = [] }: HeadProps) {
  useEffect(() => {
    document.title = `${title} · Deskwork`;
  }, [title]);
  const refresh = () => {
    for (const query of queries) query.refetch();
  };
  useKeys({ refresh });
  return (
    <Stack gap="md" p={{ base: "sm", sm: "lg" }} maw={1500}>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Box maw="75ch" miw={0} flex="1 1 320px">
          <Title order={1} size="h3" id="screen-title" tabIndex={-1}>
            {title}
          </Title>
          {note && (
            <Text size="sm" className="quiet" component="div">
              {note}
            </Text>
          )}
        </Box>
        <Group gap="xs">
          {queries.length > 0 && <Freshness queries={queries} onRefresh={refresh} />}
          {actions}
        </Group>
      </Group>
      {children}
    </Stack>
  );
}

function Freshness({ queries, onRefresh }: { queries: UseQueryResult<unknown>[]; onRefresh: () => void }) {
  const now = useNow();
  const at = Math.min(...queries.map((query) => query.dataUpdatedAt || Number.POSITIVE_INFINITY));
  const isStale = queries.some((query) => query.isError && query.data !== undefined);
  const age = Number.isFinite(at) ? since(new Date(at).toISOString(), now) : "";
  return (
    <Group gap={6}>
      <Text size="xs" className="quiet nowrap" aria-live="off">
        {age && (isStale ? `stale, from ${age}` : age === "now" ? "just now" : `figures from ${age}`)}
      </Text>
      <Button variant="default" onClick={onRefresh}>
        {TEXTS.refresh}
      </Button>
    </Group>
  );
}

type BodyProps<T> = { query: UseQueryResult<T>; rows?: number; children: (data: T) => ReactNode };

/** Loading, failed or there. What was there stays when a later request fails. */
export function Body<T>({ query, rows = 6, children }: BodyProps<T>) {
  const retry = () => {
    query.refetch();
  };
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && <Failure error={query.error} onRetry={retry} />}
        {children(query.data)}
      </>
    );
  }
  if (query.isError) return <Failure error={query.error} onRetry={retry} />;
  return <Loading rows={rows} />;
}

export function Loading({ rows = 6 }: { rows?: number }) {
  return (
    <Stack gap={8} aria-busy="true" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows without content have nothing else
        <Skeleton key={row} height={30} radius="sm" />
      ))}
    </Stack>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Box className="panel panel-pad" ta="center" py="xl">
      <Text fw={600}>{title}</Text>
      {children && (
        <Text size="sm" className="quiet" component="div" mt={4}>
          {children}
        </Text>
      )}
    </Box>
  );
}
