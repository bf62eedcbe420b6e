import { Stack, TextInput } from "@mantine/core";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { IconDatabase } from "@tabler/icons-react";
import { useState } from "react";
import { datasetsQuery, type Created } from "@/api/datasets";
import { useStanding } from "@/api/standing";
import { BringData } from "@/features/data/bring-data";
import { DatasetTable } from "@/features/data/dataset-table";
import { WorldDialog } from "@/features/data/world-dialog";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";

const route = getRouteApi("/signed-in/p/$projectId/data");

/** Bring data, find data. */
export function DataPage() {
  const { projectId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const [q, setQ] = useState(search.q ?? "");
  const [generating, setGenerating] = useState(false);
  const { canEdit } = useStanding(projectId);
  const datasets = useQuery({ ...datasetsQuery(projectId, search.q), placeholderData: keepPreviousData });
  useBreadcrumbs([{ label: "Data" }]);
  const onCreated = (created: Created): void => {
    void client.invalidateQueries({ queryKey: ["datasets", projectId] });
    void navigate({ to: "/p/$projectId/data/$datasetId/v/$version/$tab", params: { projectId, datasetId: created.dataset.id, version: String(created.version.number), tab: "rows" } });
  };
  const find = (value: string): void => {
    setQ(value);
    void navigate({ search: (old) => ({ ...old, q: value || undefined }), replace: true });
  };
  return (
    <PageFrame title="Data" actions={<TextInput aria-label="Find a data set" placeholder="Find a data set" value={q} onChange={(event) => find(event.currentTarget.value)} />}>
      <Stack gap={16}>
        {canEdit && <BringData projectId={projectId} dataset={null} uploadId={search.upload} onUpload={(upload) => void navigate({ search: (old) => ({ ...old, upload }), replace: true })} onCreated={onCreated} onWorld={() => setGenerating(true)} />}
        <WorldDialog projectId={projectId} opened={generating} onClose={() => setGenerating(false)} onCreated={onCreated} />
        {datasets.isError && <FailedState error={datasets.error} onRetry={() => void datasets.refetch()} what="Data sets" />}
        {datasets.isPending && <LoadingState rows={4} />}
        {datasets.data && datasets.data.length > 0 && <DatasetTable projectId={projectId} datasets={datasets.data} />}
        {datasets.data?.length === 0 && (
          <EmptyState icon={IconDatabase} title={search.q ? "No data set by that name" : "No data yet"} api={`POST /api/v1/projects/${projectId}/uploads`}>
            {search.q ? "Try fewer letters." : !canEdit ? "Data sets appear here when an editor brings them." : "Drop a file above: demonstrations, prompts with answers, preference pairs, whatever you have."}
          </EmptyState>
        )}
      </Stack>
    </PageFrame>
  );
}
