// Doing something by the API: a toast when it is done, with Undo where it can be taken back within ten seconds.

import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Problem } from "../api/problem.ts";
import { FAILURES, TEXTS } from "./texts.ts";

const UNDO_MS = 10_000;
/** Before the notices that stay until they are closed: behind four of them nobody would see that something can be undone. */
const FIRST = 1;

type Options<In, Out> = {
  run: (input: In) => Promise<Out>;
  /** Queries that are no longer true. */
  changes: QueryKey[];
  /** What is no more: it is not asked for again, though a screen still shows it. */
  gone?: QueryKey;
  done?: (out: Out, input: In) => ReactNode;
  undo?: (input: In) => Promise<unknown>;
  /** Where a dialog shows the failure itself. */
  isShownElsewhere?: boolean;
  onDone?: (out: Out, input: In) => void;
};

export function useAct<In, Out>(options: Options<In, Out>) {
  const cache = useQueryClient();
  const isGone = (key: QueryKey) => options.gone?.every((part, place) => key[place] === part) ?? false;
  const refresh = () =>
    Promise.all(
      options.changes.map((queryKey) =>
        cache.invalidateQueries({ queryKey, predicate: (query) => !isGone(query.queryKey) }),
      ),
    );
  return useMutation<Out, unknown, In>({
    mutationFn: options.run,
    onSuccess: (out, input) => {
      refresh();
      options.onDone?.(out, input);
      const message = options.done?.(out, input);
      if (message) toast(message, options.undo && (() => options.undo?.(input).then(refresh, tellFailure)));
    },
    onError: (error) => {
      if (!options.isShownElsewhere) tellFailure(error);
    },
  });
}

export function toast(message: ReactNode, undo?: () => void) {
  const id = crypto.randomUUID();
  notifications.show({
    id,
    priority: FIRST,
    autoClose: UNDO_MS,
    message: (
      <Group justify="space-between" gap="sm">
        <Text size="sm" component="div">
          {message}
        </Text>
        {undo && (
          <Button
            variant="default"
            onClick={() => {
              notifications.hide(id);
              undo();
            }}
          >
            {TEXTS.undo}
          </Button>
        )}
      </Group>
    ),
  });
}

function tellFailure(error: unknown) {
  const kind = error instanceof Problem ? error.kind : "broken";
  const detail = error instanceof Error ? error.message : "";
  notifications.show({
    color: "red",
    priority: FIRST,
    title: FAILURES[kind].title,
    message: detail ? `${detail}. ${FAILURES[kind].advice}` : FAILURES[kind].advice,
    autoClose: 15_000,
  });
}
