// The page before everything else. Nothing forbids pasting, and a refusal keeps what was typed but the password.

import { Box, Button, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { Problem } from "../api/problem.ts";
import { Failure } from "../parts/Failure.tsx";
import { signIn } from "./session.ts";

export function SignIn() {
  const { next } = useSearch({ strict: false }) as { next?: string };
  const cache = useQueryClient();
  const [form, setForm] = useState({ tenant: localStorage.getItem("deskwork.tenant") ?? "", email: "", password: "" });
  const enter = useMutation({
    mutationFn: signIn,
    onSuccess: async () => {
      localStorage.setItem("deskwork.tenant", form.tenant);
      cache.clear();
      window.location.assign(safe(next));
    },
    onError: () => setForm((typed) => ({ ...typed, password: "" })),
  });
  const isWrong = enter.error instanceof Problem && enter.error.kind === "signed-out";
  const set = (name: keyof typeof form) => (event: { currentTarget: HTMLInputElement }) => {
    const { value } = event.currentTarget;
    setForm((typed) => ({ ...typed, [name]: value }));
  };
  return (
    <Box component="main" mih="100vh" style={{ display: "grid", placeItems: "center" }} p="md">
      <Box className="panel" p="xl" w="100%" maw={380}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            enter.mutate(form);
          }}
        >
          <Stack gap="sm">
            <Title order={1} size="h3">
              Sign in to Deskwork
            </Title>
            <TextInput
              label="Shop"
              description="Its short name, as in your invitation"
              size="sm"
              required
              autoComplete="organization"
              value={form.tenant}
              onChange={set("tenant")}
            />
            <TextInput
              label="E-mail"
              type="email"
              size="sm"
              required
              autoComplete="username"
              value={form.email}
              onChange={set("email")}
            />
            <PasswordInput
              label="Password"
              size="sm"
              required
              autoComplete="current-password"
              value={form.password}
              onChange={set("password")}
              visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
            />
            {isWrong ? (
              <Text role="alert" size="sm" c="var(--bad)">
                Shop, e-mail and password do not belong together. Check them and try again.
              </Text>
            ) : enter.isError ? (
              <Failure error={enter.error} compact />
            ) : null}
            <Button type="submit" size="sm" loading={enter.isPending}>
              Sign in
            </Button>
          </Stack>
        </form>
      </Box>
    </Box>
  );
}

/** Only a path of this app: a link from elsewhere must not lead away after signing in. */
function safe(next: string | undefined): string {
  return next?.startsWith("/") && !next.startsWith("//") && !next.startsWith("/\\") ? next : "/";
}
