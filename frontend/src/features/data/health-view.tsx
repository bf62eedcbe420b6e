import { Button, Group, SegmentedControl, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { countTokens, statsQuery } from "@/api/datasets";
import { Problem } from "@/api/problem";
import type { DatasetVersion } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { formatCount } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import classes from "./data.module.css";
import { JobLine } from "./job-line";
import { LengthHistogram } from "./length-histogram";
import { ModelChoice, useModelChoice } from "./model-choice";
import { ReportPanel } from "./report-panel";

export interface HealthSearch {
  model?: string;
  split?: string;
}

/** Is the data well? Token lengths with a limit to drag, and what reading the file found. */
export function HealthView({ projectId, version, search, onSearch }: { projectId: string; version: DatasetVersion; search: HealthSearch; onSearch: (change: Partial<HealthSearch>) => void }) {
  const client = useQueryClient();
  const { modelId, models } = useModelChoice(projectId, search.model);
  const stats = useQuery({ ...statsQuery(version.id, modelId ?? ""), enabled: modelId !== undefined });
  const count = useMutation({ mutationFn: () => countTokens(version.id, modelId as string) });
  const absent = stats.error instanceof Problem && stats.error.status === 404;
  const names = Object.keys(stats.data?.splits ?? {});
  const split = names.find((name) => name === search.split) ?? names[0];
  const shown = split === undefined ? undefined : stats.data?.splits[split];
  return (
    <div className={classes.rows} style={{ gap: 16 }}>
      <Panel title="Lengths in tokens">
        <Group gap={12} align="flex-end" mb={16}>
          <ModelChoice modelId={modelId} models={models} onModel={(model) => onSearch({ model })} />
          {names.length > 1 && <SegmentedControl size="xs" aria-label="Split" value={split} onChange={(value) => onSearch({ split: value })} data={names} />}
          {absent && modelId && <Button loading={count.isPending} onClick={() => count.mutate()}>Count tokens</Button>}
        </Group>
        {absent && !count.data && <Text c="dimmed">Not counted yet with this model's tokenizer. A worker does it in one pass.</Text>}
        {stats.isError && !absent && <FailedState error={stats.error} onRetry={() => void stats.refetch()} />}
        {count.isError && <FailedState error={count.error} onRetry={() => count.mutate()} />}
        {count.data && <JobLine jobId={count.data.id} what="Counting tokens" onEnd={() => void client.invalidateQueries({ queryKey: statsQuery(version.id, modelId ?? "").queryKey })} />}
        {shown && (
          <>
            <dl className={classes.facts}>
              <div><dt>rows</dt><dd>{formatCount(shown.rows)}</dd></div>
              <div><dt>tokens</dt><dd>{formatCount(shown.tokens_total)}</dd></div>
              {Object.entries(shown.quantiles).map(([name, value]) => <div key={name}><dt>{QUANTILES[name] ?? name}</dt><dd>{formatCount(value)}</dd></div>)}
            </dl>
            <LengthHistogram key={`${modelId} ${split}`} stats={shown} />
          </>
        )}
      </Panel>
      <ReportPanel projectId={projectId} version={version} />
    </div>
  );
}

const QUANTILES: Record<string, string> = { p50: "half below", p90: "90 % below", p99: "99 % below", max: "longest" };
