// Another password for oneself. Every session ends by it, so the next page is the one for signing in.

import { Button, Group, PasswordInput, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "../api/problem.ts";
import { Dialog } from "../parts/Dialog.tsx";
import { Failure } from "../parts/Failure.tsx";
import { changePassword } from "./session.ts";
import { SIGN_IN } from "./texts.ts";

const SHORTEST = 12;

export function ChangePassword({ onClose }: { onClose: () => void }) {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = useMutation({
    mutationFn: () => changePassword(current, password),
    onSuccess: () => window.location.assign("/sign-in?chosen=yes"),
    onError: () => setCurrent(""),
  });
  const isWrong = change.error instanceof Problem && change.error.field === "current";
  return (
    <Dialog onClose={onClose} title={SIGN_IN.change}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (password.length >= SHORTEST) change.mutate();
        }}
      >
        <Stack gap="sm">
          <Text size="sm" className="quiet">
            {SIGN_IN.changeNote}
          </Text>
          <PasswordInput
            label={SIGN_IN.current}
            size="sm"
            required
            data-autofocus
            autoComplete="current-password"
            value={current}
            error={isWrong && current === "" ? SIGN_IN.wrongCurrent : null}
            onChange={(event) => setCurrent(event.currentTarget.value)}
            visibilityToggleButtonProps={{ "aria-label": SIGN_IN.show }}
          />
          <PasswordInput
            label={SIGN_IN.newPassword}
            description={SIGN_IN.newPasswordHint}
            size="sm"
            required
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            visibilityToggleButtonProps={{ "aria-label": SIGN_IN.showAgain }}
          />
          {change.isError && !isWrong && <Failure error={change.error} compact />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={change.isPending} disabled={password.length < SHORTEST}>
              {SIGN_IN.change}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
