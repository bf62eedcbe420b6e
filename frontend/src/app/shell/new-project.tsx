import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { explain } from "@/api/problem";
import { createProject } from "@/api/projects";
import { sessionQuery } from "@/api/session";

export function NewProject({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const client = useQueryClient();
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: () => createProject(name.trim()),
    onSuccess: async (project) => {
      await client.refetchQueries({ queryKey: sessionQuery.queryKey });
      onClose();
      await navigate({ to: "/p/$projectId", params: { projectId: project.id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title="New project" size="sm">
      <form onSubmit={submit}>
        <Stack gap={12}>
          <TextInput
            label="Name" data-autofocus value={name} required maxLength={80}
            description="Runs, data sets and models live in a project. Only its members see them."
            error={create.error ? explain(create.error) : null}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" disabled={!name.trim()} loading={create.isPending}>Create project</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
