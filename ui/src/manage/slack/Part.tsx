// A part of the screen under its heading, with what can be done there.

import { Group, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";

export function Part({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs" mih={30}>
        <Title order={2} size="h5">
          {title}
        </Title>
        {action}
      </Group>
      {children}
    </Stack>
  );
}
