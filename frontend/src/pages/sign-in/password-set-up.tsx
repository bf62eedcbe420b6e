import { Anchor, Button, PasswordInput, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { explain } from "@/api/problem";
import { setPassword } from "@/api/projects";
import { SignInFrame } from "./sign-in-frame";

/** After the first sign-in by link: a password for the next time, or later. */
export function PasswordSetUp({ email, onDone }: { email: string; onDone: () => void }) {
  const [value, setValue] = useState("");
  const save = useMutation({ mutationFn: () => setPassword({ new: value }), onSuccess: onDone });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <SignInFrame title="You are in" pageTitle="Set a password">
      <Text mb={16} style={{ overflowWrap: "anywhere" }}>Signed in as <b>{email}</b></Text>
      <form onSubmit={submit}>
        <VisuallyHidden><input type="email" autoComplete="username" value={email} readOnly tabIndex={-1} aria-label="Email" /></VisuallyHidden>
        <Stack gap={12}>
          <PasswordInput
            label="Password for next time" description="At least 10 characters." autoComplete="new-password" size="md" autoFocus
            value={value} onChange={(event) => setValue(event.currentTarget.value)} error={save.error ? explain(save.error) : null}
          />
          <Button type="submit" size="md" fullWidth disabled={value.length < 10} loading={save.isPending}>Set password</Button>
        </Stack>
      </form>
      <Text mt={16}><Anchor component="button" type="button" onClick={onDone}>Skip for now</Anchor></Text>
    </SignInFrame>
  );
}
