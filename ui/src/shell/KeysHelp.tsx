// The list of keys, where each can be changed and all be switched off.

import { Button, Group, Stack, Switch, Table, Text, TextInput } from "@mantine/core";
import { Dialog } from "../parts/Dialog.tsx";
import { ACTIONS, type Action, clash, DEFAULTS } from "./actions.ts";
import { useKeySettings } from "./keys.ts";

export function KeysHelp({ onClose }: { onClose: () => void }) {
  const [settings, setSettings] = useKeySettings();
  return (
    <Dialog onClose={onClose} title="Keys" size="md">
      <Stack gap="sm">
        <Switch
          label="Single keys work outside text fields"
          checked={settings.isOn}
          onChange={(event) => setSettings({ ...settings, isOn: event.currentTarget.checked })}
        />
        <Text size="sm" className="quiet">
          <kbd>Ctrl</kbd> <kbd>K</kbd> finds every screen, and what else can be done on this one; it is always on. Two
          keys with a space are pressed one after the other. An empty field switches a key off.
        </Text>
        <Table verticalSpacing={4}>
          <Table.Tbody>
            {(Object.keys(ACTIONS) as Action[]).map((action) => (
              <Table.Tr key={action}>
                <Table.Td>{ACTIONS[action].name}</Table.Td>
                <Table.Td w={110}>
                  <TextInput
                    aria-label={`Key: ${ACTIONS[action].name}`}
                    value={settings.keymap[action]}
                    error={clash(settings.keymap, action, settings.keymap[action])}
                    maxLength={3}
                    onChange={(event) =>
                      setSettings({
                        ...settings,
                        keymap: { ...settings.keymap, [action]: event.currentTarget.value },
                      })
                    }
                  />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Group justify="flex-end">
          <Button variant="default" onClick={() => setSettings({ isOn: true, keymap: DEFAULTS })}>
            Back to the usual keys
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
