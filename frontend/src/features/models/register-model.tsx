import { Button, Group, Modal, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { registerModel } from "@/api/models";
import { explain, Problem } from "@/api/problem";

/** By directory or by Hub name; a worker then looks at the files. */
export function RegisterModel({ projectId, onClose }: { projectId: string; onClose: () => void }) {
  const [kind, setKind] = useState<"path" | "hub">("path");
  const [place, setPlace] = useState("");
  const [revision, setRevision] = useState("");
  const [name, setName] = useState("");
  const client = useQueryClient();
  const navigate = useNavigate();
  const guess = place.split("/").filter(Boolean).at(-1) ?? "";
  const register = useMutation({
    mutationFn: () => registerModel(projectId, name.trim() || guess, kind === "path" ? { path: place.trim() } : { hub: { name: place.trim(), revision: revision.trim() || undefined } }),
    onSuccess: async ({ model }) => {
      void client.invalidateQueries({ queryKey: ["models", projectId] });
      onClose();
      await navigate({ to: "/p/$projectId/models/$modelId", params: { projectId, modelId: model.id } });
    },
  });
  const error = register.error;
  const errorOf = (part: string) => (error instanceof Problem ? error.errors.find((one) => one.field.includes(part))?.message : undefined);
  const general = error && !errorOf("name") && !errorOf(kind) ? explain(error) : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    register.mutate();
  };
  return (
    <Modal opened onClose={onClose} title="Register model">
      <form onSubmit={submit}>
        <Stack gap={12}>
          <SegmentedControl value={kind} onChange={(value) => setKind(value as "path" | "hub")} data={[{ value: "path", label: "Directory" }, { value: "hub", label: "Hub" }]} aria-label="Where the model is" />
          <TextInput
            label={kind === "path" ? "Directory on the workers' disk" : "Name on the Hub"} data-autofocus required value={place} onChange={(event) => setPlace(event.currentTarget.value)} error={errorOf(kind) ?? general}
            placeholder={kind === "path" ? "/models/llama-3-8b" : "meta-llama/Llama-3.1-8B"} description={kind === "path" ? "With config.json, a tokenizer and safetensors weights. Pickled weights are refused." : "Safetensors weights only; no code of the repository is run."}
          />
          {kind === "hub" ? <TextInput label="Revision" placeholder="main" value={revision} onChange={(event) => setRevision(event.currentTarget.value)} /> : null}
          <TextInput label="Name here" placeholder={guess || "a name to find it by"} value={name} maxLength={120} onChange={(event) => setName(event.currentTarget.value)} error={errorOf("name")} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" disabled={!place.trim()} loading={register.isPending}>Register model</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
