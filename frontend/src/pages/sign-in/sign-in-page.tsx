import { Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { explain } from "@/api/problem";
import { sessionQuery, signIn } from "@/api/session";
import { SignInFrame } from "./sign-in-frame";

export function SignInPage() {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const { next } = useSearch({ from: "/sign-in" });
  const client = useQueryClient();
  const navigate = useNavigate();
  const enter = useMutation({
    mutationFn: () => signIn(email.trim(), password),
    onSuccess: async (session) => {
      client.setQueryData(sessionQuery.queryKey, session);
      await navigate({ to: next?.startsWith("/") && !next.startsWith("//") ? next : "/" });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate();
  };
  return (
    <SignInFrame title="Sign in" pageTitle="Sign in">
      <form onSubmit={submit}>
        <Stack gap={12}>
          <TextInput label="Email" type="email" autoComplete="username" required value={email} onChange={(event) => setEmail(event.currentTarget.value)} size="md" autoFocus />
          <PasswordInput label="Password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.currentTarget.value)} size="md" />
          {enter.error ? <Text c="var(--ls-bad)" role="alert">{explain(enter.error)}</Text> : null}
          <Button type="submit" size="md" fullWidth loading={enter.isPending}>Sign in</Button>
        </Stack>
      </form>
      <Text c="dimmed" size="xs" mt={16}>First time here? Open the one-time link that was printed when Lodestar started, or ask an administrator for one.</Text>
    </SignInFrame>
  );
}
