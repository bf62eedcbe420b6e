import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { explain } from "@/api/problem";
import { editMe } from "@/api/projects";
import { sessionQuery } from "@/api/session";
import type { SessionUser } from "@/api/shapes";
import { toast } from "@/ui/toasts";

export function ProfileForm({ user }: { user: SessionUser }) {
  const [name, setName] = useState(user.name);
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => editMe(name.trim()),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: sessionQuery.queryKey });
      toast("Saved");
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap={12}>
        <TextInput label="Name" value={name} maxLength={80} autoComplete="name" onChange={(event) => setName(event.currentTarget.value)} error={save.error ? explain(save.error) : null} />
        <TextInput label="Email" value={user.email} readOnly description="An administrator changes it." styles={{ input: { background: "var(--ls-sunken)", borderColor: "var(--ls-line)", color: "var(--ls-muted)" } }} />
        <Group><Button type="submit" disabled={!name.trim() || name === user.name} loading={save.isPending}>Save</Button></Group>
      </Stack>
    </form>
  );
}
