import { Badge, Group, Progress, Text } from "@mantine/core";
import type { RunSummary } from "@/api/shapes";
import { formatCount, formatDuration, formatNumber, formatShare } from "@/ui/numbers";
import { isActive, runLook } from "@/ui/run-states";
import { StateBadge } from "@/ui/state-badge";
import { Time } from "@/ui/time";
import { condition } from "./filter-tokens";
import { Sparkline } from "./sparkline";

/** What one column says about one run. */
export function RunCell({ run, column }: { run: RunSummary; column: string }) {
  switch (column) {
    case "state":
      return <StateBadge look={runLook(run)} />;
    case "method":
      return <Text span ff="monospace" fz={12}>{run.method}</Text>;
    case "progress":
      return <RunProgress run={run} />;
    case "curve":
      return <Sparkline run={run} />;
    case "tags":
      return <Group gap={4} wrap="nowrap">{run.tags.map((tag) => <Badge key={tag} variant="default" size="sm" tt="none" fw={400} flex="none" maw={140}>{tag}</Badge>)}</Group>;
    case "age":
      return <Text span c="dimmed"><Time at={run.created_at} /></Text>;
    case "by":
      return <>{run.created_by?.name ?? "–"}</>;
    case "time":
      return <>{run.started_at && run.finished_at ? formatDuration((Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000) : "–"}</>;
    default:
      return <Metric value={run.metrics[column.slice("metric:".length)]} />;
  }
}

/** The condition that keeps only runs like this one, for a right click on the cell. */
export function cellCondition(run: RunSummary, column: string): string | null {
  if (column === "state") return condition("state", run.state);
  if (column === "method") return condition("method", run.method);
  if (column === "tags" && run.tags[0]) return condition("tag", run.tags[0]);
  if (column === "by" && run.created_by) return condition("by", run.created_by.name);
  return null;
}

function Metric({ value }: { value: number | null | undefined }) {
  return value === null ? <span style={{ color: "var(--ls-bad)" }}>NaN</span> : <>{formatNumber(value)}</>;
}

/** Bar and words: 342/800 · 42 % · 6m, or why it waits. */
export function RunProgress({ run }: { run: RunSummary }) {
  if (run.state === "queued") return <Text span c="dimmed" truncate title={run.waiting_for}>{`Waiting for ${run.waiting_for || "a worker"}`}</Text>;
  if (run.state === "starting") return <Text span c="dimmed" truncate title={run.doing}>{run.doing || "starting"}</Text>;
  const share = run.total ? run.step / run.total : null;
  const eta = isActive(run.state) && run.eta_seconds !== null ? ` · ${formatDuration(run.eta_seconds)} left` : "";
  const words = run.total ? `${formatCount(run.step)}/${formatCount(run.total)}${eta || (isActive(run.state) ? ` · ${formatShare(share, 0)}` : "")}` : `step ${formatCount(run.step)}`;
  return (
    <div>
      <Text span fz={12} c={isActive(run.state) ? undefined : "dimmed"} truncate>{words}</Text>
      {isActive(run.state) && share !== null ? <Progress value={share * 100} size={3} color="var(--ls-live)" aria-label={`${formatShare(share, 0)} done`} /> : null}
    </div>
  );
}
