// A part of the settings: a heading, fields, and one button that saves them.

import { Box, Button, Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Failure } from "../../parts/Failure.tsx";
import { TEXTS } from "./texts.ts";

type Props = {
  title: string;
  note?: string;
  error: unknown;
  isBusy: boolean;
  isChanged: boolean;
  onSave: () => void;
  children: ReactNode;
};

export function Part({ title, note, error, isBusy, isChanged, onSave, children }: Props) {
  return (
    <Box className="panel panel-pad" component="section" aria-label={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSave();
        }}
      >
        <Stack gap="sm">
          <Title order={2} size="h5">
            {title}
          </Title>
          {note && (
            <Text size="sm" className="quiet">
              {note}
            </Text>
          )}
          {children}
          {error ? <Failure error={error} compact /> : null}
          <Group>
            <Button type="submit" loading={isBusy} disabled={!isChanged}>
              {TEXTS.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Box>
  );
}
