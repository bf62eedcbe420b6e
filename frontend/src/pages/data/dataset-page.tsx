import { ActionIcon, Button, Menu, Select, Text } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { algorithmsQuery } from "@/api/algorithms";
import { datasetQuery, deleteDataset, restoreDataset, versionsQuery } from "@/api/datasets";
import { useStanding } from "@/api/standing";
import { BringData } from "@/features/data/bring-data";
import { KIND_WORDS } from "@/features/data/mapping-fields";
import { VersionFacts } from "@/features/data/version-facts";
import { VersionTabs } from "@/features/data/version-tabs";
import { VersionView, type VersionSearch } from "@/features/data/version-view";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { JOB_STATES } from "@/ui/run-states";
import { StateBadge } from "@/ui/state-badge";
import { toastError, toastUndo } from "@/ui/toasts";

/** A data set: its versions, each never changing, and what is in the one that is open. */
export function DatasetPage() {
  const { projectId = "", datasetId = "", version: number, tab = "rows" } = useParams({ strict: false });
  const search = useSearch({ strict: false }) as VersionSearch;
  const navigate = useNavigate();
  const client = useQueryClient();
  const [adding, setAdding] = useState<{ upload?: string } | null>(null);
  const { canEdit } = useStanding(projectId);
  const dataset = useQuery(datasetQuery(datasetId));
  const versions = useQuery(versionsQuery(datasetId));
  const methods = useQuery(algorithmsQuery);
  useBreadcrumbs([{ label: "Data", to: `/p/${projectId}/data` }, { label: dataset.data?.name ?? "" }]);
  const failed = dataset.error ?? versions.error;
  if (failed) return <PageFrame title="Data set"><FailedState error={failed} onRetry={() => { void dataset.refetch(); void versions.refetch(); }} /></PageFrame>;
  if (!dataset.data || !versions.data) return <PageFrame title="Data set"><LoadingState rows={8} /></PageFrame>;
  const open = versions.data.find((one) => String(one.number) === number) ?? versions.data.find((one) => one.id === dataset.data.latest?.id) ?? versions.data[0];
  const kind = open?.kind ?? null;
  const untaken = methods.data !== undefined && kind !== null && !methods.data.methods.some((card) => card.data.some((need) => need.role === "train" && need.kinds.includes(kind)));
  const go = (to: number, at = tab): void => void navigate({ to: "/p/$projectId/data/$datasetId/v/$version/$tab", params: { projectId, datasetId, version: String(to), tab: at } });
  const erase = async (): Promise<void> => {
    await deleteDataset(datasetId);
    toastUndo(`Deleted ${dataset.data.name}. The bin keeps it for 30 days.`, () => void restoreDataset(datasetId).catch(toastError));
    await client.invalidateQueries({ queryKey: ["datasets", projectId] });
    await navigate({ to: "/p/$projectId/data", params: { projectId } });
  };
  return (
    <PageFrame
      title={dataset.data.name}
      note={open && open.state !== "ready" ? <StateBadge look={JOB_STATES[open.state]} /> : undefined}
      actions={
        <>
          {versions.data.length > 1 && <Select w={130} aria-label="Version" value={String(open?.number)} onChange={(value) => value && go(Number(value))} data={versions.data.map((one) => ({ value: String(one.number), label: `v${one.number}${one.state === "ready" ? "" : `, ${one.state}`}` }))} />}
          {canEdit && <Button variant="default" onClick={() => setAdding(adding ? null : {})}>New version</Button>}
          {open?.state === "ready" && canEdit && untaken && kind && <Text size="xs" c="dimmed" maw={260} style={{ alignSelf: "center" }}>No method trains on {KIND_WORDS[kind].toLowerCase()} yet.</Text>}
          {open?.state === "ready" && canEdit && !untaken && <Button renderRoot={(props) => <Link to="/p/$projectId/runs/new" params={{ projectId }} search={{ data: open.id }} {...props} />}>Train on it</Button>}
          {canEdit && (
            <Menu position="bottom-end" shadow="md">
              <Menu.Target><ActionIcon variant="default" aria-label="More actions"><IconDots size={16} /></ActionIcon></Menu.Target>
              <Menu.Dropdown><Menu.Item color="var(--ls-bad)" onClick={() => void erase().catch(toastError)}>Delete</Menu.Item></Menu.Dropdown>
            </Menu>
          )}
        </>
      }
    >
      {adding && (
        <div style={{ marginBottom: 16 }}>
          <BringData projectId={projectId} dataset={dataset.data} uploadId={adding.upload} onUpload={(upload) => setAdding({ upload })} onCreated={(created) => { setAdding(null); void versions.refetch(); go(created.version.number, "rows"); }} />
        </div>
      )}
      {open?.state === "ready" && <VersionFacts version={open} />}
      {open && <VersionTabs projectId={projectId} datasetId={datasetId} version={open.number} open={tab} />}
      {open && <VersionView key={open.id} projectId={projectId} version={open} tab={tab} search={search} onSearch={(change) => void navigate({ to: ".", search: (old) => ({ ...old, ...change }), replace: true })} />}
    </PageFrame>
  );
}
