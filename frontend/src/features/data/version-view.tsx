import { Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import type { DatasetVersion } from "@/api/shapes";
import { Panel } from "@/ui/panel";
import { FaultList } from "./fault-list";
import { HealthView } from "./health-view";
import { JobLine } from "./job-line";
import { RowsView } from "./rows-view";
import { TemplateView } from "./template-view";
import { UsedView } from "./used-view";

export interface VersionSearch {
  q?: string;
  row?: number;
  split?: string;
  model?: string;
}

/** One version on one tab; while it is being read, how far that is; refused, by what. */
export function VersionView({ projectId, version, tab, search, onSearch }: { projectId: string; version: DatasetVersion; tab: string; search: VersionSearch; onSearch: (change: Partial<VersionSearch>) => void }) {
  const client = useQueryClient();
  if (version.state === "ingesting") {
    return <Panel>{version.job_id ? <JobLine jobId={version.job_id} what="Reading" onEnd={() => void client.invalidateQueries({ queryKey: ["dataset", version.dataset_id] })} /> : <Text c="dimmed">Waits for a worker.</Text>}</Panel>;
  }
  if (version.state !== "ready") {
    return (
      <Panel title={version.state === "refused" ? "Refused; nothing was stored" : "Cancelled; nothing was stored"}>
        <Stack gap={8}>
          {version.error && <Text>{version.error.message} {version.error.remedy}</Text>}
          <FaultList faults={version.error?.faults?.length ? version.error.faults : (version.report?.faults ?? [])} />
        </Stack>
      </Panel>
    );
  }
  switch (tab) {
    case "template":
      return <TemplateView projectId={projectId} version={version} search={search} onSearch={onSearch} />;
    case "health":
      return <HealthView projectId={projectId} version={version} search={search} onSearch={onSearch} />;
    case "used":
      return <UsedView projectId={projectId} version={version} />;
    default:
      return <RowsView version={version} search={search} onSearch={onSearch} />;
  }
}
