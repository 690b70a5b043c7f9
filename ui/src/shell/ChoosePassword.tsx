// Where the link of an invitation or of a reset leads. What opens it stands behind the number sign, so no server sees it;
// it leaves the address as soon as it is read.

import { Button, PasswordInput, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Problem } from "../api/problem.ts";
import { Failure } from "../parts/Failure.tsx";
import { Door } from "./SignIn.tsx";
import { choosePassword } from "./session.ts";
import { SIGN_IN } from "./texts.ts";

const SHORTEST = 12;

export function ChoosePassword() {
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const purpose = path.startsWith("/invitation") ? "invitation" : "reset";
  const [token] = useState(() => window.location.hash.slice(1));
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  useEffect(() => {
    document.title = `${SIGN_IN.choose} · Deskwork`;
    window.history.replaceState(window.history.state, "", window.location.pathname);
  }, []);
  const choose = useMutation({
    mutationFn: () => choosePassword(purpose, token, password),
    onSuccess: () => void navigate({ to: "/sign-in", search: { chosen: "yes" } as never, replace: true }),
  });
  if (token === "") {
    return (
      <Door title={SIGN_IN.noLink}>
        <Text size="sm">{SIGN_IN.noLinkNote}</Text>
        <Link to="/sign-in" className="small">
          {SIGN_IN.toSignIn}
        </Link>
      </Door>
    );
  }
  const isShort = password !== "" && password.length < SHORTEST;
  const isOther = again !== "" && again !== password;
  const isSpent = choose.error instanceof Problem && choose.error.kind === "signed-out";
  return (
    <Door title={purpose === "invitation" ? SIGN_IN.welcome : SIGN_IN.choose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (password.length >= SHORTEST && password === again) choose.mutate();
        }}
      >
        <Stack gap="sm">
          <PasswordInput
            label={SIGN_IN.newPassword}
            description={SIGN_IN.newPasswordHint}
            size="sm"
            required
            autoComplete="new-password"
            value={password}
            error={isShort && again !== "" ? SIGN_IN.tooShort : null}
            onChange={(event) => setPassword(event.currentTarget.value)}
            visibilityToggleButtonProps={{ "aria-label": SIGN_IN.show }}
          />
          <PasswordInput
            label={SIGN_IN.again}
            size="sm"
            required
            autoComplete="new-password"
            value={again}
            error={isOther ? SIGN_IN.another : null}
            onChange={(event) => setAgain(event.currentTarget.value)}
            visibilityToggleButtonProps={{ "aria-label": SIGN_IN.showAgain }}
          />
          {isSpent ? (
            <Text role="alert" size="sm" c="var(--bad)">
              {purpose === "reset" ? SIGN_IN.spentReset : SIGN_IN.spent}{" "}
              {purpose === "reset" && <Link to="/forgot">{SIGN_IN.askAgain}</Link>}
            </Text>
          ) : choose.isError ? (
            <Failure error={choose.error} compact />
          ) : null}
          <Button
            type="submit"
            size="sm"
            loading={choose.isPending}
            disabled={password.length < SHORTEST || password !== again}
          >
            {SIGN_IN.choose}
          </Button>
        </Stack>
      </form>
    </Door>
  );
}
