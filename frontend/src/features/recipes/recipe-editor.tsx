import { Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { stringify } from "yaml";
import { explain, Problem } from "@/api/problem";
import { changeRecipe, saveRecipe } from "@/api/recipes";
import type { Recipe } from "@/api/shapes";

interface Props { projectId: string; from: Recipe | null; onClose: () => void }

/** A recipe as text. One of the house is saved as the project's own; one of the project's own is changed. */
export function RecipeEditor({ projectId, from, onClose }: Props) {
  const [text, setText] = useState(() => (from ? stringify(from.definition) : ""));
  const client = useQueryClient();
  const own = from !== null && !from.built_in;
  const save = useMutation({
    mutationFn: () => (own ? changeRecipe(from.id, text) : saveRecipe(projectId, text)),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["recipes", projectId] });
      onClose();
    },
  });
  const faults = save.error instanceof Problem && save.error.errors.length > 0 ? save.error.errors.map((one) => `${one.field}: ${one.message}`) : save.error ? [explain(save.error)] : [];
  return (
    <Modal opened onClose={onClose} size="xl" title={own ? `Change ${from.title}` : "Save a recipe of your own"}>
      <Stack gap={12}>
        <Textarea label="Recipe in YAML or JSON" description="Title, params and stages; later stages name earlier ones as ${stages.name.model}." data-autofocus autosize minRows={12} maxRows={26} value={text} onChange={(event) => setText(event.currentTarget.value)} styles={{ input: { fontFamily: "var(--ls-mono)", fontSize: 12 } }} />
        {faults.length > 0 ? <Stack gap={4} role="alert">{faults.map((fault) => <Text key={fault} c="var(--ls-bad)" style={{ overflowWrap: "anywhere" }}>{fault}</Text>)}</Stack> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button disabled={!text.trim()} loading={save.isPending} onClick={() => save.mutate()}>Save recipe</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
