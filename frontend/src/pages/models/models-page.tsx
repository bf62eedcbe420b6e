import { Button, Text, TextInput } from "@mantine/core";
import { IconPlus, IconSearch, IconStack2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { boardQuery } from "@/api/evaluations";
import { modelsQuery } from "@/api/models";
import { useStanding } from "@/api/standing";
import { RegisterModel } from "@/features/models/register-model";
import { ModelsTable } from "@/features/models/models-table";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";

const HERE = "/signed-in/p/$projectId/models";

/** Base models and what came out of runs. */
export function ModelsPage() {
  const { projectId } = useParams({ from: HERE });
  const { q = "" } = useSearch({ from: HERE });
  const navigate = useNavigate();
  const [registering, setRegistering] = useState(false);
  const models = useQuery(modelsQuery(projectId));
  const board = useQuery(boardQuery(projectId, 0));
  useBreadcrumbs([{ label: "Models" }]);
  const shown = models.data?.filter((model) => `${model.name} ${model.architecture} ${model.hub_name} ${model.path}`.toLowerCase().includes(q.toLowerCase())) ?? [];
  const { canEdit } = useStanding(projectId);
  const register = !canEdit ? undefined : <Button leftSection={<IconPlus size={14} />} onClick={() => setRegistering(true)}>Register model</Button>;
  return (
    <PageFrame title="Models" actions={register} wide>
      {models.isPending ? <LoadingState /> : null}
      {models.error ? <FailedState error={models.error} onRetry={() => void models.refetch()} /> : null}
      {models.data?.length === 0 ? (
        <Panel><EmptyState icon={IconStack2} title="No models yet" action={register} api={`POST /api/v1/projects/${projectId}/models`}>A model is where a run starts: a directory on the workers' disk or a name on the Hub. Checkpoints become models too.</EmptyState></Panel>
      ) : null}
      {models.data?.length ? (
        <>
          <TextInput mb={8} maw={420} value={q} aria-label="Filter models" placeholder="Filter by name, architecture, path" leftSection={<IconSearch size={14} />} onChange={(event) => void navigate({ to: "/p/$projectId/models", params: { projectId }, replace: true, search: { q: event.currentTarget.value || undefined } })} />
          {shown.length > 0 ? <ModelsTable projectId={projectId} models={shown} board={board.data} /> : <Panel><Text c="dimmed">No model fits “{q}”.</Text></Panel>}
        </>
      ) : null}
      {registering ? <RegisterModel projectId={projectId} onClose={() => setRegistering(false)} /> : null}
    </PageFrame>
  );
}
