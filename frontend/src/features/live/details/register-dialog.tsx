import { Button, Group, Modal, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { registerCheckpoint, type Checkpoint } from "@/api/run";
import type { Model, Run } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { toast } from "@/ui/toasts";

/** Gives a checkpoint a name in the library, where runs and people find it. */
export function RegisterDialog({ run, checkpoint, launch, onClose, onRegistered }: {
  run: Run; checkpoint: Checkpoint; launch: boolean; onClose: () => void; onRegistered: (model: Model) => void;
}) {
  const [name, setName] = useState(`${run.name} step ${checkpoint.step}`);
  const register = useMutation({
    mutationFn: () => registerCheckpoint(checkpoint.id, name.trim()),
    onSuccess: (model) => {
      toast(`Registered ${model.name}.`);
      onRegistered(model);
    },
  });
  return (
    <Modal opened onClose={onClose} title={launch ? "Launch from checkpoint" : "Register as model"}>
      <form onSubmit={(event) => { event.preventDefault(); register.mutate(); }}>
        <TextInput label="Name in the library" value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={120} required data-autofocus />
        <Text size="xs" c="dimmed" mt={4}>The files are copied, so that pruning the run's checkpoints does not touch the model.</Text>
        {register.isError && <div style={{ marginTop: 12 }}><FailedState error={register.error} /></div>}
        <Group justify="flex-end" mt={16}><Button type="submit" loading={register.isPending} disabled={name.trim() === ""}>{launch ? "Register and set up the run" : "Register"}</Button></Group>
      </form>
    </Modal>
  );
}
