import { Button, Group, PasswordInput, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { explain } from "@/api/problem";
import { setPassword } from "@/api/projects";
import { toast } from "@/ui/toasts";

export function PasswordForm() {
  const [old, setOld] = useState("");
  const [value, setValue] = useState("");
  const save = useMutation({
    mutationFn: () => setPassword({ old: old || undefined, new: value }),
    onSuccess: () => {
      setOld("");
      setValue("");
      toast("Password changed");
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap={12}>
        <PasswordInput label="Now" description="Empty when you have none yet." autoComplete="current-password" value={old} onChange={(event) => setOld(event.currentTarget.value)} />
        <PasswordInput label="New" description="At least 10 characters." autoComplete="new-password" value={value} onChange={(event) => setValue(event.currentTarget.value)} error={save.error ? explain(save.error) : null} />
        <Group><Button type="submit" disabled={value.length < 10} loading={save.isPending}>Change password</Button></Group>
      </Stack>
    </form>
  );
}
