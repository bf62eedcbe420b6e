import { Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { IconBan } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { approveStage, cancelRecipeRun, recipeRunQuery, restartRecipeRun, retryStage } from "@/api/recipes";
import type { RecipeRun } from "@/api/shapes";
import { useStanding } from "@/api/standing";
import { RecipeGraph } from "@/features/recipes/recipe-graph";
import { RestartDialog } from "@/features/recipes/restart-dialog";
import { RECIPE_STATES } from "@/features/recipes/stage-looks";
import { StagePanel } from "@/features/recipes/stage-panel";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { CopyId } from "@/ui/copy-id";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { useShortcuts } from "@/ui/shortcuts";
import { StateBadge } from "@/ui/state-badge";
import { Time } from "@/ui/time";
import { toastError } from "@/ui/toasts";
import { telling } from "./telling";

const HERE = "/signed-in/p/$projectId/recipes/$recipeRunId";

/** One start of a recipe: its graph with the state of each stage, and the stage that is looked at. */
export function RecipeRunPage() {
  const { projectId, recipeRunId } = useParams({ from: HERE });
  const { node } = useSearch({ from: HERE });
  const navigate = useNavigate();
  const client = useQueryClient();
  const { canEdit } = useStanding(projectId);
  const query = useQuery(recipeRunQuery(recipeRunId));
  const run = query.data;
  const [restarting, setRestarting] = useState(false);
  const look = run ? RECIPE_STATES[run.state] : null;
  useBreadcrumbs([{ label: "Recipes", to: `/p/${projectId}/recipes` }, { label: run?.name ?? "…" }], run && look ? `${look.mark} ${run.name}` : undefined);
  const stage = run?.stages.find((one) => one.name === node) ?? run?.stages.find((one) => one.name === telling(run.stages));
  const keep = (found: RecipeRun) => client.setQueryData(["recipe-run", found.id], found);
  const deed = useMutation({ mutationFn: (act: () => Promise<RecipeRun>) => act(), onSuccess: keep, onError: (error) => toastError(error) });
  const restart = useMutation({
    mutationFn: (from: string) => restartRecipeRun(recipeRunId, from),
    onSuccess: async (found) => {
      keep(found);
      setRestarting(false);
      await navigate({ to: "/p/$projectId/recipes/$recipeRunId", params: { projectId, recipeRunId: found.id } });
    },
    onError: (error) => toastError(error),
  });
  const move = (by: number) => {
    const names = run?.stages.map((one) => one.name) ?? [];
    const next = names[Math.min(names.length - 1, Math.max(0, names.indexOf(stage?.name ?? "") + by))];
    void navigate({ to: "/p/$projectId/recipes/$recipeRunId", params: { projectId, recipeRunId }, search: { node: next }, replace: true });
  };
  useShortcuts("Recipe", [{ keys: "j", label: "Next stage", run: () => move(1) }, { keys: "k", label: "Previous stage", run: () => move(-1) }]);
  if (query.error) return <PageFrame title="Recipe"><FailedState error={query.error} onRetry={() => void query.refetch()} /></PageFrame>;
  if (!run || !look) return <PageFrame title="Recipe"><LoadingState /></PageFrame>;
  const open = run.state === "running" || run.state === "waits_for_people";
  return (
    <PageFrame
      title={run.name} wide note={<Group gap={12}><StateBadge look={look} /><Text c="dimmed">{run.title} · started <Time at={run.created_at} /></Text><CopyId id={run.id} /></Group>}
      actions={canEdit && open ? <Button variant="default" leftSection={<IconBan size={14} />} loading={deed.isPending} onClick={() => deed.mutate(() => cancelRecipeRun(run.id))}>Cancel</Button> : undefined}
    >
      <Stack gap={16}>
        {run.restarted_from ? <Text>Restarted at {run.restarted_at} from <Anchor component={Link} underline="always" to={`/p/${projectId}/recipes/${run.restarted_from}`}>an earlier run</Anchor>.</Text> : null}
        <Panel title="Stages" flush><RecipeGraph stages={run.stages} chosen={stage?.name} to={`/p/${projectId}/recipes/${run.id}`} /></Panel>
        {stage ? (
          <StagePanel
            run={run} stage={stage} canEdit={canEdit} busy={deed.isPending || restart.isPending} onRestart={() => setRestarting(true)}
            onApprove={() => deed.mutate(() => approveStage(run.id, stage.name))} onRetry={() => deed.mutate(() => retryStage(run.id, stage.name))}
          />
        ) : null}
      </Stack>
      {restarting && stage ? <RestartDialog run={run} stage={stage.name} busy={restart.isPending} onClose={() => setRestarting(false)} onRestart={() => restart.mutate(stage.name)} /> : null}
    </PageFrame>
  );
}
