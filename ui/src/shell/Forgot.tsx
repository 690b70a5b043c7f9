// Who forgot the password asks for a link by mail. Whether somebody is known is told to nobody, so what is said afterwards
// is the same for everybody, and says what to do where no mail comes.

import { Button, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Failure } from "../parts/Failure.tsx";
import { Door } from "./SignIn.tsx";
import { askForLink } from "./session.ts";
import { SIGN_IN } from "./texts.ts";

export function Forgot() {
  const [form, setForm] = useState({ tenant: localStorage.getItem("deskwork.tenant") ?? "", email: "" });
  const ask = useMutation({ mutationFn: askForLink });
  useEffect(() => {
    document.title = `${SIGN_IN.forgotTitle} · Deskwork`;
  }, []);
  const set = (name: keyof typeof form) => (event: { currentTarget: HTMLInputElement }) => {
    const { value } = event.currentTarget;
    setForm((typed) => ({ ...typed, [name]: value }));
  };
  const back = (
    <Link to="/sign-in" className="small">
      {SIGN_IN.toSignIn}
    </Link>
  );
  if (ask.isSuccess) {
    return (
      <Door title={SIGN_IN.asked}>
        <Text size="sm" role="status">
          {SIGN_IN.askedNote}
        </Text>
        <Text size="sm">{SIGN_IN.noMail}</Text>
        {back}
      </Door>
    );
  }
  return (
    <Door title={SIGN_IN.forgotTitle}>
      <Text size="sm">{SIGN_IN.forgotNote}</Text>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask.mutate(form);
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
          {ask.isError && <Failure error={ask.error} compact />}
          <Button type="submit" size="sm" loading={ask.isPending}>
            {SIGN_IN.askLink}
          </Button>
        </Stack>
      </form>
      {back}
    </Door>
  );
}
