import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain, Problem, type FieldError } from "@/api/problem";
import { addRewardVersion, createReward } from "@/api/rewards";
import type { Reward, RewardPipeline } from "@/api/shapes";
import { toast, toastError } from "@/ui/toasts";
import { lean } from "./pipeline-text";

interface Props { projectId: string; reward: Reward | null; draft: RewardPipeline | null; changed: boolean; onReset: () => void; onErrors: (errors: FieldError[]) => void; onSaved: (rewardId: string, version: number) => void }

/** Saves what was changed as the next version, or a new reward under its name. */
export function SaveBar({ projectId, reward, draft, changed, onReset, onErrors, onSaved }: Props) {
  const client = useQueryClient();
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const save = useMutation({
    mutationFn: async (pipeline: RewardPipeline) => {
      if (reward) return { id: reward.id, number: (await addRewardVersion(reward.id, { pipeline: lean(pipeline) })).number };
      const made = await createReward(projectId, { name: name.trim(), pipeline: lean(pipeline) });
      return { id: made.id, number: made.latest.number };
    },
    onSuccess: async ({ id, number }) => {
      onErrors([]);
      setNaming(false);
      toast(`Saved as version ${number}.`);
      await Promise.all([client.invalidateQueries({ queryKey: ["rewards", projectId] }), client.invalidateQueries({ queryKey: ["reward", id] })]);
      onSaved(id, number);
    },
    onError: (error) => {
      setNaming(false);
      const faults = error instanceof Problem ? error.errors.map((one) => ({ ...one, field: one.field.replace(/^pipeline\./, "") })) : [];
      onErrors(faults);
      if (faults.length === 0) toastError(error);
      else toast(explain(error));
    },
  });
  const ready = draft !== null && draft.terms.length > 0;
  return (
    <>
      {changed && reward ? <Button variant="default" onClick={onReset}>Discard changes</Button> : null}
      <Button disabled={!ready || !changed} loading={save.isPending} onClick={() => (reward ? draft && save.mutate(draft) : setNaming(true))}>{reward ? "Save as new version" : "Save reward"}</Button>
      <Modal opened={naming} onClose={() => setNaming(false)} title="Save reward" transitionProps={{ duration: 120 }}>
        <form onSubmit={(event) => { event.preventDefault(); if (draft && name.trim()) save.mutate(draft); }}>
          <Stack gap={12}>
            <TextInput label="Name" data-autofocus required maxLength={120} placeholder="Right and short" value={name} onChange={(event) => setName(event.currentTarget.value)} />
            <Group justify="flex-end"><Button variant="default" onClick={() => setNaming(false)}>Back</Button><Button type="submit" disabled={!name.trim()} loading={save.isPending}>Save</Button></Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
