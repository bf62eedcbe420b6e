import { Button, Group, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { datasetsQuery } from "@/api/datasets";
import { modelsQuery } from "@/api/models";
import { explain, Problem } from "@/api/problem";
import { type RecipeParams, startRecipe } from "@/api/recipes";
import type { Recipe } from "@/api/shapes";
import { Panel } from "@/ui/panel";
import { ParamField } from "./param-field";
import { RecipeGraph } from "./recipe-graph";
import { suggest } from "./suggest";

interface Props { projectId: string; recipe: Recipe; onClose: () => void }

/** What a recipe asks for, and one button. What the server refuses is said at its field. */
export function StartForm({ projectId, recipe, onClose }: Props) {
  const [chosen, setChosen] = useState<RecipeParams>({});
  const models = useQuery(modelsQuery(projectId)).data ?? [];
  const sets = useQuery(datasetsQuery(projectId)).data ?? [];
  const offered = Object.fromEntries(Object.entries(recipe.params).map(([key, param]) => [key, param.default ?? suggest(param, models, sets)]));
  const params: RecipeParams = { ...offered, ...chosen };
  const [name, setName] = useState("");
  const client = useQueryClient();
  const navigate = useNavigate();
  const start = useMutation({
    mutationFn: () => startRecipe(projectId, recipe.id, params, name.trim()),
    onSuccess: async (run) => {
      await client.invalidateQueries({ queryKey: ["recipe-runs", projectId] });
      await navigate({ to: "/p/$projectId/recipes/$recipeRunId", params: { projectId, recipeRunId: run.id } });
    },
  });
  const errors = start.error instanceof Problem ? start.error.errors : [];
  const others = errors.filter((one) => !(one.field.replace("params.", "") in recipe.params));
  const missing = Object.entries(recipe.params).filter(([key, param]) => !param.optional && (params[key] === null || params[key] === undefined)).map(([, param]) => param.title);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    start.mutate();
  };
  return (
    <Panel title={`Start ${recipe.title}`} actions={<Button variant="subtle" onClick={onClose}>Close</Button>}>
      <form onSubmit={submit}>
        <Stack gap={16}>
          <Text maw={760}>{recipe.summary}</Text>
          <RecipeGraph stages={recipe.stages} />
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing={16} verticalSpacing={12}>
            {Object.entries(recipe.params).map(([key, param]) => (
              <ParamField key={key} projectId={projectId} param={param} value={params[key]} error={errors.find((one) => one.field === `params.${key}`)?.message} onChange={(value) => setChosen((old) => ({ ...old, [key]: value }))} />
            ))}
            <TextInput label="Name" placeholder="numbered by itself" maxLength={120} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          </SimpleGrid>
          {start.error && (others.length > 0 || errors.length === 0) ? <Text role="alert" c="var(--ls-bad)">{others.length > 0 ? others.map((one) => one.message).join(" ") : explain(start.error)}</Text> : null}
          <Group justify="flex-end" gap={12}>
            {missing.length > 0 ? <Text c="dimmed">Still needs: {missing.join(", ").toLowerCase()}.</Text> : null}
            <Button type="submit" leftSection={<IconPlayerPlay size={14} />} loading={start.isPending} disabled={missing.length > 0}>Start recipe</Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}
