import { Button, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { evaluationsOfRunQuery } from "@/api/evaluations";
import { artifactsQuery } from "@/api/run";
import type { Run } from "@/api/shapes";
import { panelTitle } from "@/charts/panels";
import { MetricsTable } from "@/features/evaluations/metrics-table";
import { useRun } from "@/features/live/run-context";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { formatNumber } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { isActive } from "@/ui/run-states";

/** What a run that trains nothing has to show: its report, or the figures of what it wrote. */
export function TaskReport({ run }: { run: Run }) {
  return run.kind === "evaluate" ? <Evaluated run={run} /> : <Written run={run} />;
}

function Evaluated({ run }: { run: Run }) {
  const { feed } = useRun();
  const found = useQuery(evaluationsOfRunQuery(run.id));
  const { refetch } = found;
  useEffect(() => feed.onEvents((items) => {
    if (items.some(({ event }) => event.type === "artifact" || event.type === "done")) void refetch();
  }), [feed, refetch]);
  useEffect(() => { if (!isActive(run.state)) void refetch(); }, [run.state, refetch]);
  if (found.isError) return <FailedState error={found.error} onRetry={() => void found.refetch()} what="The report" />;
  if (found.isPending) return <LoadingState rows={4} />;
  const report = found.data[0];
  if (!report) return <EmptyState title={isActive(run.state) ? "The report comes at the end" : "This run left no report"}>{isActive(run.state) ? "Until then the header tells how many items are done." : "It ended before it had counted an item. The logs say why."}</EmptyState>;
  return (
    <Panel title={`${report.model_name} on ${report.suite}`} flush actions={<Button size="compact-sm" renderRoot={(root) => <Link to="/p/$projectId/evals/$evaluationId" params={{ projectId: run.project_id, evaluationId: report.id }} {...root} />}>Open items and compare</Button>}>
      <MetricsTable metrics={report.metrics} primary={report.primary} />
    </Panel>
  );
}

function Written({ run }: { run: Run }) {
  const { method, canEdit } = useRun();
  const samples = useQuery({ ...artifactsQuery(run.id), enabled: !isActive(run.state) }).data?.find((one) => one.kind === "samples");
  const names = Object.keys(run.metrics);
  if (names.length === 0) return <EmptyState title={isActive(run.state) ? "The answers come at the end" : "This run wrote no answers"}>{isActive(run.state) ? "Until then the header tells how many prompts are done." : "The logs say why."}</EmptyState>;
  return (
    <Panel title="What was written" actions={
      <>
        <Button size="compact-sm" variant="default" renderRoot={(root) => <Link to="/p/$projectId/runs/$runId/rollouts" params={{ projectId: run.project_id, runId: run.id }} {...root} />}>Read the answers</Button>
        {canEdit && samples ? <Button size="compact-sm" renderRoot={(root) => <Link to="/p/$projectId/annotate/new" params={{ projectId: run.project_id }} search={{ artifact: samples.id }} {...root} />}>Annotate them</Button> : null}
      </>
    }>
      <dl style={{ display: "flex", gap: 24, flexWrap: "wrap", margin: 0 }}>
        {names.map((name) => <div key={name}><Text component="dt" size="xs" c="dimmed">{panelTitle(name, method?.metrics ?? [])}</Text><Text component="dd" m={0} fw={600}>{formatNumber(run.metrics[name])}</Text></div>)}
      </dl>
    </Panel>
  );
}
