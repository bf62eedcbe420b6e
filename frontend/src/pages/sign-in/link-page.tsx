import { Anchor, Loader, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { explain } from "@/api/problem";
import { sessionQuery, signInByLink } from "@/api/session";
import { PasswordSetUp } from "./password-set-up";
import { SignInFrame } from "./sign-in-frame";

type Step = { kind: "redeeming" } | { kind: "password" } | { kind: "refused"; reason: string };

/** /sign-in/link#<token>: the token stays in the fragment, which no server log sees, and works once. */
export function LinkPage() {
  const [step, setStep] = useState<Step>({ kind: "redeeming" });
  const client = useQueryClient();
  const navigate = useNavigate();
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current) return;
    asked.current = true;
    const token = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
    signInByLink(token).then(
      (session) => {
        client.setQueryData(sessionQuery.queryKey, session);
        setStep({ kind: "password" });
      },
      (error: unknown) => setStep({ kind: "refused", reason: explain(error) }),
    );
  }, [client]);
  if (step.kind === "password") return <PasswordSetUp onDone={() => void navigate({ to: "/welcome" })} />;
  if (step.kind === "refused") {
    return (
      <SignInFrame title="This link does not work" pageTitle="Sign in">
        <Text role="alert">{step.reason}</Text>
        <Text c="dimmed" mt={8}>A link works once. Print a new one with <code>lodestar user link</code>, or <Anchor component={Link} to="/sign-in">sign in with your password</Anchor>.</Text>
      </SignInFrame>
    );
  }
  return <SignInFrame title="Signing in" pageTitle="Sign in"><Loader size="sm" aria-label="Signing in" /></SignInFrame>;
}
