// The page before everything else, for people and for operators. Nothing forbids pasting, and a refusal keeps what was
// typed but the secret.

import { Alert, Anchor, Box, Button, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { Problem } from "../api/problem.ts";
import { Failure } from "../parts/Failure.tsx";
import { signIn, signInWithKey } from "./session.ts";
import { SIGN_IN } from "./texts.ts";

type Search = { next?: string; as?: string; chosen?: string };

export function SignIn() {
  const { next, as, chosen } = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const isOperator = as === "operator";
  const other = { ...(next ? { next } : {}), ...(isOperator ? {} : { as: "operator" }) };
  return (
    <Door title={isOperator ? SIGN_IN.operatorTitle : SIGN_IN.title}>
      {chosen && (
        <Alert color="green" variant="outline" role="status">
          {SIGN_IN.chosen}
        </Alert>
      )}
      {isOperator ? <WithKey next={next} /> : <WithPassword next={next} />}
      {!isOperator && (
        <Link to="/forgot" className="small">
          {SIGN_IN.forgot}
        </Link>
      )}
      <Anchor
        component="button"
        type="button"
        size="sm"
        ta="start"
        onClick={() => void navigate({ to: "/sign-in", search: other as never, replace: true })}
      >
        {isOperator ? SIGN_IN.asPerson : SIGN_IN.asOperator}
      </Anchor>
    </Door>
  );
}

/** The frame of a page that nobody has to be signed in for. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Box component="main" mih="100vh" style={{ display: "grid", placeItems: "center" }} p="md">
      <Box className="panel" p="xl" w="100%" maw={400}>
        <Stack gap="sm">
          <Title order={1} size="h3">
            {title}
          </Title>
          {children}
        </Stack>
      </Box>
    </Box>
  );
}

function WithPassword({ next }: { next: string | undefined }) {
  const cache = useQueryClient();
  const [form, setForm] = useState({ tenant: localStorage.getItem("deskwork.tenant") ?? "", email: "", password: "" });
  const enter = useMutation({
    mutationFn: signIn,
    onSuccess: () => {
      localStorage.setItem("deskwork.tenant", form.tenant);
      cache.clear();
      window.location.assign(safe(next));
    },
    onError: () => setForm((typed) => ({ ...typed, password: "" })),
  });
  const set = (name: keyof typeof form) => (event: { currentTarget: HTMLInputElement }) => {
    const { value } = event.currentTarget;
    setForm((typed) => ({ ...typed, [name]: value }));
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        enter.mutate(form);
      }}
    >
      <Stack gap="sm">
        <TextInput
          label={SIGN_IN.shop}
          description={SIGN_IN.shopHint}
          size="sm"
          required
          autoComplete="organization"
          value={form.tenant}
          onChange={set("tenant")}
        />
        <TextInput
          label={SIGN_IN.email}
          type="email"
          size="sm"
          required
          autoComplete="username"
          value={form.email}
          onChange={set("email")}
        />
        <PasswordInput
          label={SIGN_IN.password}
          size="sm"
          required
          autoComplete="current-password"
          value={form.password}
          onChange={set("password")}
          visibilityToggleButtonProps={{ "aria-label": SIGN_IN.show }}
        />
        <Refused error={enter.error} wrong={SIGN_IN.wrong} />
        <Button type="submit" size="sm" loading={enter.isPending}>
          {SIGN_IN.go}
        </Button>
      </Stack>
    </form>
  );
}

function WithKey({ next }: { next: string | undefined }) {
  const cache = useQueryClient();
  const [key, setKey] = useState("");
  const enter = useMutation({
    mutationFn: signInWithKey,
    onSuccess: () => {
      cache.clear();
      window.location.assign(safe(next));
    },
    onError: () => setKey(""),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        enter.mutate(key);
      }}
    >
      <Stack gap="sm">
        <PasswordInput
          label={SIGN_IN.key}
          description={SIGN_IN.keyHint}
          size="sm"
          required
          autoComplete="off"
          placeholder="dsk_…"
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
          visibilityToggleButtonProps={{ "aria-label": SIGN_IN.showKey }}
        />
        <Refused error={enter.error} wrong={SIGN_IN.wrongKey} />
        <Button type="submit" size="sm" loading={enter.isPending}>
          {SIGN_IN.go}
        </Button>
      </Stack>
    </form>
  );
}

function Refused({ error, wrong }: { error: unknown; wrong: string }) {
  if (!error) return null;
  if (error instanceof Problem && error.kind === "signed-out") {
    return (
      <Text role="alert" size="sm" c="var(--bad)">
        {wrong}
      </Text>
    );
  }
  return <Failure error={error} compact />;
}

/** Only a path of this app: a link from elsewhere must not lead away after signing in. */
function safe(next: string | undefined): string {
  return next?.startsWith("/") && !next.startsWith("//") && !next.startsWith("/\\") ? next : "/";
}
