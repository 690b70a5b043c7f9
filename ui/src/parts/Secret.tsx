// Something that is shown once, with a button that copies it.

import { Button, Group, Text } from "@mantine/core";
import { useState } from "react";

export function Secret({ text, note }: { text: string; note: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <div>
      <code className="secret mono">{text}</code>
      <Group mt="xs" gap="sm">
        <Button variant="default" onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}>
          {isCopied ? "Copied" : "Copy"}
        </Button>
        <Text size="sm" className="quiet">
          {note}
        </Text>
      </Group>
    </div>
  );
}
