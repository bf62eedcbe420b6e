import { Button, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconPlus, IconRoute } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { deleteRecipe, recipeRunsQuery, recipesQuery } from "@/api/recipes";
import type { Recipe } from "@/api/shapes";
import { useStanding } from "@/api/standing";
import { RecipeCard } from "@/features/recipes/recipe-card";
import { RecipeEditor } from "@/features/recipes/recipe-editor";
import { RecipeRunList } from "@/features/recipes/recipe-run-list";
import { StartForm } from "@/features/recipes/start-form";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import cards from "@/ui/cards.module.css";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { toast, toastError } from "@/ui/toasts";

const HERE = "/signed-in/p/$projectId/recipes";

/** The recipes at hand, the form that starts one, and those that were started. */
export function RecipesPage() {
  const { projectId } = useParams({ from: HERE });
  const { start } = useSearch({ from: HERE });
  const navigate = useNavigate();
  const client = useQueryClient();
  const { canEdit } = useStanding(projectId);
  const recipes = useQuery(recipesQuery(projectId));
  const runs = useQuery(recipeRunsQuery(projectId));
  const [edited, setEdited] = useState<{ recipe: Recipe | null } | null>(null);
  useBreadcrumbs([{ label: "Recipes" }]);
  const chosen = canEdit ? recipes.data?.find((recipe) => recipe.id === start) : undefined;
  const choose = (id: string | undefined) => void navigate({ to: "/p/$projectId/recipes", params: { projectId }, search: { start: id } });
  const drop = useMutation({
    mutationFn: (recipe: Recipe) => deleteRecipe(recipe.id),
    onSuccess: async (_, recipe) => {
      await client.invalidateQueries({ queryKey: ["recipes", projectId] });
      toast(`Deleted ${recipe.title}. What it started goes on.`);
    },
    onError: (error) => toastError(error),
  });
  return (
    <PageFrame title="Recipes" actions={canEdit ? <Button variant="default" leftSection={<IconPlus size={14} />} onClick={() => setEdited({ recipe: null })}>New recipe</Button> : undefined} wide>
      <Stack gap={16}>
        {recipes.isPending ? <LoadingState /> : null}
        {recipes.error ? <FailedState error={recipes.error} onRetry={() => void recipes.refetch()} /> : null}
        {chosen ? <StartForm key={chosen.id} projectId={projectId} recipe={chosen} onClose={() => choose(undefined)} /> : null}
        {recipes.data && !chosen ? (
          <section aria-label="Recipes to start">
            <SimpleGrid component="ul" cols={{ base: 1, md: 2, xl: 3 }} spacing={8} className={cards.cards}>
              {recipes.data.map((recipe) => <RecipeCard key={recipe.id} recipe={recipe} canEdit={canEdit} onStart={() => choose(recipe.id)} onEdit={() => setEdited({ recipe })} onDelete={() => drop.mutate(recipe)} />)}
            </SimpleGrid>
          </section>
        ) : null}
        {runs.error ? <FailedState error={runs.error} onRetry={() => void runs.refetch()} /> : null}
        {runs.data?.length === 0 ? (
          <Panel label="Started recipes"><EmptyState icon={IconRoute} title="No recipe started yet" api={`POST /api/v1/projects/${projectId}/recipe-runs`}>A recipe starts a chain of runs as one thing: each stage begins when what it needs is there, and waits where people have a say.</EmptyState></Panel>
        ) : null}
        {runs.data?.length ? <Panel title="Started" flush><RecipeRunList projectId={projectId} runs={runs.data} /></Panel> : null}
        {canEdit ? null : <Text c="dimmed">Editors and owners start recipes.</Text>}
      </Stack>
      {edited ? <RecipeEditor projectId={projectId} from={edited.recipe} onClose={() => setEdited(null)} /> : null}
    </PageFrame>
  );
}
