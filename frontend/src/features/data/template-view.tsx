import { Button, Group, NumberInput, Select, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { renderRows, type RenderedRow } from "@/api/datasets";
import { jobQuery } from "@/api/jobs";
import type { DatasetVersion } from "@/api/shapes";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import classes from "./data.module.css";
import { JobLine } from "./job-line";
import { ModelChoice, useModelChoice } from "./model-choice";
import { RenderedText } from "./rendered-text";

const SHOWN = 5;

export interface TemplateSearch {
  model?: string;
  split?: string;
  row?: number;
}

/** Rows as the model's chat template writes them: what is trained is tinted, what is masked is hatched. */
export function TemplateView({ projectId, version, search, onSearch }: { projectId: string; version: DatasetVersion; search: TemplateSearch; onSearch: (change: Partial<TemplateSearch>) => void }) {
  const { modelId, models, loading } = useModelChoice(projectId, search.model);
  const [limit, setLimit] = useState<number | string>("");
  const split = search.split ?? version.splits[0]?.name ?? "train";
  const count = version.splits.find((one) => one.name === split)?.rows ?? 0;
  const first = Math.min(search.row ?? 0, Math.max(0, count - 1));
  const rows = Array.from({ length: Math.min(SHOWN, count - first) }, (_, index) => first + index);
  const render = useMutation({ mutationFn: () => renderRows(version.id, { model_id: modelId as string, split, rows, max_length: limit === "" ? undefined : Number(limit) }) });
  const jobId = render.data?.id;
  const job = useQuery({ ...jobQuery<{ rows: RenderedRow[] }>(jobId ?? ""), enabled: jobId !== undefined });
  if (!loading && models.length === 0) return <EmptyState title="No model is ready" api={`POST /api/v1/dataset-versions/${version.id}/render`}>A template belongs to a model. Register one under Models.</EmptyState>;
  return (
    <>
      <Group gap={12} align="flex-end" mb={12}>
        <ModelChoice modelId={modelId} models={models} onModel={(model) => onSearch({ model })} />
        {version.splits.length > 1 && <Select w={140} label="Split" value={split} onChange={(value) => onSearch({ split: value ?? undefined, row: undefined })} data={version.splits.map((one) => one.name)} />}
        <NumberInput w={110} label="From row" min={1} max={Math.max(1, count)} value={first + 1} onChange={(row) => onSearch({ row: Math.max(0, Number(row) - 1) || undefined })} />
        <NumberInput w={130} label="Cut at tokens" placeholder="no limit" min={1} value={limit} onChange={setLimit} />
        <Button loading={render.isPending} disabled={!modelId || rows.length === 0} onClick={() => render.mutate()}>Render {rows.length} rows</Button>
      </Group>
      <Text size="xs" c="dimmed" mb={8}><span className={classes.key} data-trained="true" /> trained <span className={classes.key} data-trained="false" style={{ marginLeft: 12 }} /> masked</Text>
      {render.isError && <FailedState error={render.error} onRetry={() => render.mutate()} />}
      {jobId && <JobLine jobId={jobId} what="Rendering" />}
      <div className={classes.rows}>{job.data?.result?.rows.map((row) => <RenderedText key={row.index} row={row} kind={version.kind} />)}</div>
    </>
  );
}
