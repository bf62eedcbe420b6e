import { Button, Group, Popover, TagsInput, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { controlRun, deleteRun, editRun, restoreRun } from "@/api/runs";
import type { RunSummary } from "@/api/shapes";
import { isActive } from "@/ui/run-states";
import { useShortcuts } from "@/ui/shortcuts";
import { toast, toastError, toastUndo } from "@/ui/toasts";
import classes from "./bulk-bar.module.css";
import { countRuns } from "./words";

interface Props { projectId: string; canEdit: boolean; picked: RunSummary[]; onClear: () => void }

/** What can be done to the picked runs together. */
export function BulkBar({ projectId, canEdit, picked, onClear }: Props) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [tagging, setTagging] = useState(false);
  const refresh = () => client.invalidateQueries({ queryKey: ["runs", projectId] });
  const first = picked[0];
  const active = picked.filter((run) => isActive(run.state));
  const tag = useMutation({
    mutationFn: (tags: string[]) => Promise.all(picked.map((run) => editRun(run.id, { tags: [...new Set([...run.tags, ...tags])] }))),
    onSuccess: async () => {
      setTagging(false);
      await refresh();
    },
    onError: (error) => toastError(error),
  });
  const stop = useMutation({
    mutationFn: () => Promise.all(active.map((run) => controlRun(run.id, { type: run.state === "queued" ? "cancel" : "stop" }))),
    onSuccess: () => toast(`Stopping ${countRuns(active.length)}; each keeps a checkpoint`),
    onError: (error) => toastError(error),
  });
  const drop = useMutation({
    mutationFn: () => Promise.all(picked.map((run) => deleteRun(run.id))),
    onSuccess: async () => {
      const gone = picked;
      onClear();
      await refresh();
      toastUndo(`Deleted ${countRuns(gone.length)}`, () => void Promise.all(gone.map((run) => restoreRun(run.id))).then(refresh, toastError));
    },
    onError: (error) => toastError(error),
  });
  const compare = () => first && void navigate({ to: "/p/$projectId/runs/$runId/curves", params: { projectId, runId: first.id }, search: { over: picked.slice(1).map((run) => run.id) } });
  const clone = () => first && void navigate({ to: "/p/$projectId/runs/new", params: { projectId }, search: { from: first.id } });
  useShortcuts("Picked runs", picked.length === 0 ? [] : [
    { keys: "c", label: "Compare", run: compare },
    ...(canEdit ? [{ keys: "t", label: "Tag", run: () => setTagging(true) }] : []),
    { keys: "escape", label: "Drop the picks", run: onClear },
  ]);
  if (picked.length === 0) return null;
  return (
    <div className={classes.bar} role="toolbar" aria-label="Picked runs">
      <Text fw={600}>{picked.length} picked</Text>
      <Group gap={4}>
        <Button variant="subtle" disabled={picked.length < 2 || picked.length > 20} title={picked.length < 2 ? "Pick two or more" : undefined} onClick={compare}>Compare</Button>
        {canEdit && <><Popover opened={tagging} onChange={setTagging} trapFocus>
          <Popover.Target><Button variant="subtle" onClick={() => setTagging(!tagging)}>Tag</Button></Popover.Target>
          <Popover.Dropdown><TagAdder busy={tag.isPending} onAdd={(tags) => tag.mutate(tags)} /></Popover.Dropdown>
        </Popover>
        <Button variant="subtle" disabled={picked.length !== 1} title={picked.length === 1 ? undefined : "Pick one run to clone"} onClick={clone}>Clone</Button>
        <Button variant="subtle" disabled={active.length === 0} title={active.length ? undefined : "None of them is going"} loading={stop.isPending} onClick={() => stop.mutate()}>Stop</Button>
        <Button variant="subtle" color="var(--ls-bad)" loading={drop.isPending} onClick={() => drop.mutate()}>Delete</Button></>}
        <Button variant="subtle" color="var(--ls-muted)" onClick={onClear}>Clear</Button>
      </Group>
    </div>
  );
}

function TagAdder({ busy, onAdd }: { busy: boolean; onAdd: (tags: string[]) => void }) {
  const [tags, setTags] = useState<string[]>([]);
  return (
    <Group gap={8} align="flex-end" wrap="nowrap">
      <TagsInput label="Add tags" value={tags} onChange={setTags} w={220} placeholder="type and press enter" />
      <Button size="sm" disabled={tags.length === 0} loading={busy} onClick={() => onAdd(tags)}>Add</Button>
    </Group>
  );
}
