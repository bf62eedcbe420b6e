import { Button, Table, Text, TextInput } from "@mantine/core";
import { IconPlus, IconSearch, IconStack2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { modelsQuery } from "@/api/models";
import { useStanding } from "@/api/standing";
import { RegisterModel } from "@/features/models/register-model";
import { sourceText } from "@/features/models/model-words";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { formatBytes, formatCount } from "@/ui/numbers";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { JOB_STATES } from "@/ui/run-states";
import { StateBadge } from "@/ui/state-badge";
import { Time } from "@/ui/time";

const HERE = "/signed-in/p/$projectId/models";

/** Base models and what came out of runs. */
export function ModelsPage() {
  const { projectId } = useParams({ from: HERE });
  const { q = "" } = useSearch({ from: HERE });
  const navigate = useNavigate();
  const [registering, setRegistering] = useState(false);
  const models = useQuery(modelsQuery(projectId));
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
          <Panel flush label="Models">
            <Table.ScrollContainer minWidth={760}>
              <Table highlightOnHover verticalSpacing={6} horizontalSpacing={12}>
                <Table.Thead><Table.Tr>{["Name", "State", "Architecture", "Parameters", "Context", "Size", "From", "Added"].map((title) => <Table.Th key={title} c="dimmed" fz={12}>{title}</Table.Th>)}</Table.Tr></Table.Thead>
                <Table.Tbody>
                  {shown.map((model) => (
                    <Table.Tr key={model.id}>
                      <Table.Td fw={600}><Link to="/p/$projectId/models/$modelId" params={{ projectId, modelId: model.id }} className="ls-link">{model.name}</Link></Table.Td>
                      <Table.Td><StateBadge look={JOB_STATES[model.state]} /></Table.Td>
                      <Table.Td>{model.architecture || "–"}</Table.Td>
                      <Table.Td>{formatCount(model.parameters)}</Table.Td>
                      <Table.Td>{formatCount(model.context_length)}</Table.Td>
                      <Table.Td>{formatBytes(model.size_bytes)}</Table.Td>
                      <Table.Td>{sourceText(model)}</Table.Td>
                      <Table.Td c="dimmed"><Time at={model.created_at} /></Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
            {shown.length === 0 ? <Text c="dimmed" p={12}>No model fits “{q}”.</Text> : null}
          </Panel>
        </>
      ) : null}
      {registering ? <RegisterModel projectId={projectId} onClose={() => setRegistering(false)} /> : null}
    </PageFrame>
  );
}
