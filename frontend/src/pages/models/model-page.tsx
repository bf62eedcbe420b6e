import { Anchor, Button, Group, Loader, SimpleGrid, Text } from "@mantine/core";
import { IconArrowMerge, IconDownload, IconMessage, IconPlus, IconScale, IconTrash, IconTrophy } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { deleteModel, mergeModel, modelQuery, modelsQuery, restoreModel } from "@/api/models";
import { modelLineageQuery } from "@/api/lineage";
import { LineagePanel } from "@/features/lineage/lineage-panel";
import { jobQuery } from "@/api/jobs";
import { runQuery } from "@/api/runs";
import { useStanding } from "@/api/standing";
import { ReportOfRun } from "@/features/rewards/report-view";
import { termOf } from "@/features/rewards/with-model";
import { modelFacts } from "@/features/models/model-facts";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { CopyId } from "@/ui/copy-id";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { JOB_STATES } from "@/ui/run-states";
import { StateBadge } from "@/ui/state-badge";
import { toastError, toastUndo } from "@/ui/toasts";
import { Refusal } from "./refusal";

const HERE = "/signed-in/p/$projectId/models/$modelId";

/** What a worker found in the model's files, or why it was refused. */
export function ModelPage() {
  const { projectId, modelId } = useParams({ from: HERE });
  const client = useQueryClient();
  const navigate = useNavigate();
  const query = useQuery(modelQuery(modelId));
  const model = query.data;
  const { canEdit } = useStanding(projectId);
  const siblings = useQuery(modelsQuery(projectId)).data?.map((one) => ({ label: one.name, to: `/p/${projectId}/models/${one.id}` })) ?? [];
  useBreadcrumbs([{ label: "Models", to: `/p/${projectId}/models` }, { label: model?.name ?? "…", siblings }]);
  const job = useQuery({ ...jobQuery(model?.job_id ?? ""), enabled: model?.state === "inspecting" && Boolean(model.job_id) }).data;
  const source = useQuery({ ...runQuery(model?.run_id ?? ""), enabled: Boolean(model?.run_id) });
  const refresh = () => client.invalidateQueries({ queryKey: ["models", projectId] });
  const drop = useMutation({
    mutationFn: () => deleteModel(modelId),
    onSuccess: async () => {
      await refresh();
      toastUndo(`Deleted ${model?.name ?? "the model"}`, () => void restoreModel(modelId).then(refresh, toastError));
      await navigate({ to: "/p/$projectId/models", params: { projectId } });
    },
    onError: (error) => toastError(error),
  });
  const merge = useMutation({
    mutationFn: () => mergeModel(modelId, `${model?.name ?? "Model"}, merged`),
    onSuccess: async ({ model: made }) => {
      await refresh();
      await navigate({ to: "/p/$projectId/models/$modelId", params: { projectId, modelId: made.id } });
    },
    onError: (error) => toastError(error),
  });
  if (query.error) return <PageFrame title="Model"><FailedState error={query.error} onRetry={() => void query.refetch()} /></PageFrame>;
  if (!model) return <PageFrame title="Model"><LoadingState /></PageFrame>;
  return (
    <PageFrame
      title={model.name} note={<Group gap={12}><StateBadge look={JOB_STATES[model.state]} /><CopyId id={model.id} /></Group>}
      actions={!canEdit ? undefined :
        <>
          {model.state === "ready" && model.can_merge ? <Button variant="default" leftSection={<IconArrowMerge size={14} />} loading={merge.isPending} onClick={() => merge.mutate()}>Merge adapter</Button> : null}
          {model.state === "ready" ? <Button variant="default" component="a" href={`/api/v1/models/${model.id}/export`} download leftSection={<IconDownload size={14} />}>Export</Button> : null}
          <Button variant="default" leftSection={<IconTrash size={14} />} loading={drop.isPending} onClick={() => drop.mutate()}>Delete</Button>
          {model.state === "ready" ? <Button variant="default" leftSection={<IconScale size={14} />} renderRoot={(root) => <Link to="/p/$projectId/evals/new" params={{ projectId }} search={{ method: model.kind === "reward" ? "evaluate-pairs" : undefined, models: [model.id] }} {...root} />}>Evaluate</Button> : null}
          {model.state === "ready" && model.kind === "causal" ? <Button variant="default" renderRoot={(root) => <Link to="/p/$projectId/playground" params={{ projectId }} search={{ m: [model.id] }} {...root} />} leftSection={<IconMessage size={14} />}>Chat</Button> : null}
          {model.state === "ready" && model.kind === "reward" ? <Button variant="default" renderRoot={(root) => <Link to="/p/$projectId/rewards/new" params={{ projectId }} search={{ model: model.id, term: termOf(source.data?.method) }} {...root} />} leftSection={<IconTrophy size={14} />}>Use in a reward</Button> : null}
          {model.state === "ready" ? <Button renderRoot={(root) => <Link to="/p/$projectId/runs/new" params={{ projectId }} search={{ model: model.id }} {...root} />} leftSection={<IconPlus size={14} />}>New run from it</Button> : null}
        </>
      }
    >
      {model.state === "inspecting" ? <Panel title="Inspection"><Group gap={8}><Loader size={14} /><Text>{job?.doing || (job?.state === "queued" ? "Waiting for a worker" : "A worker is looking at the files")}</Text></Group></Panel> : null}
      {model.state === "refused" ? <Refusal model={model} /> : null}
      {model.state === "ready" ? (
        <Panel title="What it is">
          <SimpleGrid cols={{ base: 2, md: 4 }} spacing={16} component="dl" m={0}>
            {modelFacts(model).filter(({ term }) => term !== "From" || !model.run_id).map(({ term, text }) => <div key={term}><Text component="dt" size="xs" c="dimmed">{term}</Text><Text component="dd" m={0} fw={600} style={{ overflowWrap: "anywhere" }}>{text}</Text></div>)}
          </SimpleGrid>
          {model.is_adapter && !model.can_merge ? <Text mt={16}>Its adapter stays beside the base: no weights of the base can express it, so it cannot be merged. An export holds both.</Text> : null}
          {model.run_id ? <Text mt={16} c="dimmed">Came out of the run <Anchor component={Link} underline="always" to={`/p/${projectId}/runs/${model.run_id}/checkpoints`}>{source.data?.name ?? model.run_id}</Anchor>{model.step === null ? "" : `, step ${model.step}`}.</Text> : null}
        </Panel>
      ) : null}
      {model.kind === "reward" && model.run_id ? <div style={{ marginTop: 16 }}><ReportOfRun runId={model.run_id} absent /></div> : null}
      <div style={{ marginTop: 16 }}><LineagePanel projectId={projectId} here={modelId} query={modelLineageQuery(modelId)} /></div>
    </PageFrame>
  );
}
