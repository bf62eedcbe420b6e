import { Anchor, Loader, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { explain } from "@/api/problem";
import { sessionQuery, signInByLink } from "@/api/session";
import { PasswordSetUp } from "./password-set-up";
import { SignInFrame } from "./sign-in-frame";

type Step = { kind: "redeeming" } | { kind: "password"; email: string } | { kind: "refused"; reason: string };

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
    const enter = async (): Promise<void> => {
      // Opened again, after the link has done its work: whoever is signed in goes on from here.
      if (token === "") {
        const session = await client.fetchQuery({ ...sessionQuery, staleTime: 0 });
        if (session.user) await navigate({ to: "/", replace: true });
        else setStep({ kind: "refused", reason: "The part of the link after # is missing." });
        return;
      }
      const session = await signInByLink(token);
      client.setQueryData(sessionQuery.queryKey, session);
      setStep({ kind: "password", email: session.user?.email ?? "" });
    };
    enter().catch((error: unknown) => setStep({ kind: "refused", reason: explain(error) }));
  }, [client, navigate]);
  if (step.kind === "password") return <PasswordSetUp email={step.email} onDone={() => void navigate({ to: "/welcome" })} />;
  if (step.kind === "refused") {
    return (
      <SignInFrame title="This link does not work" pageTitle="Sign in">
        <Text role="alert">{step.reason}</Text>
        <Text c="dimmed" mt={8}>A link works once. Print a new one with <code>.venv/bin/lodestar user link</code>, or <Anchor component={Link} to="/sign-in">sign in with your password</Anchor>.</Text>
      </SignInFrame>
    );
  }
  return <SignInFrame title="Signing in" pageTitle="Sign in"><Loader size="sm" aria-label="Signing in" /></SignInFrame>;
}
