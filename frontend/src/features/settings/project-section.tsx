import { Button, Group, Modal, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { explain } from "@/api/problem";
import { deleteProject, editProject, projectQuery } from "@/api/projects";
import { sessionQuery } from "@/api/session";
import type { Project } from "@/api/shapes";
import { CopyId } from "@/ui/copy-id";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { Panel } from "@/ui/panel";
import { toast } from "@/ui/toasts";

export function ProjectSection({ projectId, owner }: { projectId: string; owner: boolean }) {
  const query = useQuery(projectQuery(projectId));
  if (query.error) return <FailedState error={query.error} onRetry={() => void query.refetch()} />;
  return query.data ? <ProjectForm key={query.data.id} project={query.data} owner={owner} /> : <LoadingState rows={4} />;
}

function ProjectForm({ project, owner }: { project: Project; owner: boolean }) {
  const [name, setName] = useState(project.name);
  const [description, setDescription] = useState(project.description);
  const [deleting, setDeleting] = useState(false);
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => editProject(project.id, { name: name.trim(), description }),
    onSuccess: async (saved) => {
      client.setQueryData(projectQuery(project.id).queryKey, saved);
      await client.invalidateQueries({ queryKey: sessionQuery.queryKey });
      toast("Saved");
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Stack gap={16}>
      <Panel title="Project" actions={<CopyId id={project.id} />}>
        <form onSubmit={submit}>
          <Stack gap={12} maw={560}>
            <TextInput label="Name" value={name} disabled={!owner} maxLength={80} required onChange={(event) => setName(event.currentTarget.value)} error={save.error ? explain(save.error) : null} />
            <Textarea label="Description" value={description} disabled={!owner} autosize minRows={2} onChange={(event) => setDescription(event.currentTarget.value)} />
            {owner ? <Group><Button type="submit" disabled={!name.trim() || (name === project.name && description === project.description)} loading={save.isPending}>Save</Button></Group> : <Text size="xs" c="dimmed">An owner can change this.</Text>}
          </Stack>
        </form>
      </Panel>
      {owner ? (
        <Panel title="Delete">
          <Group justify="space-between"><Text>Runs, data, models and members of this project go with it.</Text><Button variant="outline" color="var(--ls-bad)" onClick={() => setDeleting(true)}>Delete project</Button></Group>
        </Panel>
      ) : null}
      {deleting ? <DeleteProject project={project} onClose={() => setDeleting(false)} /> : null}
    </Stack>
  );
}

function DeleteProject({ project, onClose }: { project: Project; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const client = useQueryClient();
  const navigate = useNavigate();
  const drop = useMutation({
    mutationFn: () => deleteProject(project.id),
    onSuccess: async () => {
      await client.refetchQueries({ queryKey: sessionQuery.queryKey });
      await navigate({ to: "/" });
    },
  });
  return (
    <Modal opened onClose={onClose} title={`Delete ${project.name}?`} size="sm">
      <Stack gap={12}>
        <Text>Everything in it is lost for its members. Write its name to go on.</Text>
        <TextInput aria-label="Name of the project" data-autofocus value={typed} placeholder={project.name} onChange={(event) => setTyped(event.currentTarget.value)} error={drop.error ? explain(drop.error) : null} />
        <Button color="var(--ls-bad)" disabled={typed !== project.name} loading={drop.isPending} onClick={() => drop.mutate()}>Delete project</Button>
      </Stack>
    </Modal>
  );
}
