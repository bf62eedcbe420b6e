import { Button, Checkbox, Group, Select, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { createToken } from "@/api/projects";
import { explain } from "@/api/problem";
import type { Scope } from "@/api/shapes";
import { Panel } from "@/ui/panel";
import { Secret } from "./secret";

const DAY_MS = 86_400_000;
const LIVES = [{ value: "30", label: "30 days" }, { value: "90", label: "90 days" }, { value: "365", label: "a year" }, { value: "", label: "no end" }];

export function NewToken({ projectId, onDone }: { projectId: string; onDone: () => void }) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["read", "write"]);
  const [days, setDays] = useState("90");
  const [here, setHere] = useState(true);
  const create = useMutation({
    mutationFn: () => createToken({ name: name.trim(), scopes, project_id: here ? projectId : null, expires_at: days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null }),
    onSuccess: () => {
      setName("");
      onDone();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Panel title="New token">
      <form onSubmit={submit}>
        <Stack gap={12}>
          <Group gap={12} align="flex-end">
            <TextInput flex={1} miw={200} label="Name" placeholder="nightly script" value={name} maxLength={80} onChange={(event) => setName(event.currentTarget.value)} error={create.error ? explain(create.error) : null} />
            <Select w={120} label="Lasts" data={LIVES} value={days} onChange={(value) => setDays(value ?? "")} />
            <Button type="submit" size="sm" disabled={!name.trim() || scopes.length === 0} loading={create.isPending}>Create token</Button>
          </Group>
          <Group gap={24}>
            <Checkbox.Group value={scopes} onChange={(values) => setScopes(values as Scope[])} aria-label="What it may do">
              <Group gap={12}><Checkbox value="read" label="Read" /><Checkbox value="write" label="Write and launch" /><Checkbox value="admin" label="Members and settings" /></Group>
            </Checkbox.Group>
            <Checkbox checked={here} onChange={(event) => setHere(event.currentTarget.checked)} label="Only this project" />
          </Group>
        </Stack>
      </form>
      {create.data?.secret ? <Secret title="Shown once. Store it now; revoke it any time." value={create.data.secret} /> : null}
    </Panel>
  );
}
