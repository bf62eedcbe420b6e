import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { get } from "@/api/http";
import { useStanding } from "@/api/standing";
import type { DatasetVersion, Page, RunSummary } from "@/api/shapes";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { formatNumber } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { RunDot } from "@/ui/run-dot";
import { RUN_STATES } from "@/ui/run-states";
import { StateBadge } from "@/ui/state-badge";
import { Time } from "@/ui/time";
import classes from "./data.module.css";

/** The runs that read this version. */
export function UsedView({ projectId, version }: { projectId: string; version: DatasetVersion }) {
  const { canEdit } = useStanding(projectId);
  const query = useInfiniteQuery({
    queryKey: ["runs", projectId, "of version", version.id],
    queryFn: ({ pageParam }) => get<Page<RunSummary>>(`/projects/${projectId}/runs`, { dataset_version: version.id, cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  if (query.isError) return <FailedState error={query.error} onRetry={() => void query.refetch()} what="Runs" />;
  if (query.isPending) return <LoadingState rows={3} />;
  const runs = query.data.pages.flatMap((page) => page.items);
  if (runs.length === 0) {
    return (
      <EmptyState title="No run has read this version" api={`GET /api/v1/projects/${projectId}/runs?dataset_version=${version.id}`} action={canEdit && <Link to="/p/$projectId/runs/new" params={{ projectId }} search={{ data: version.id }} style={{ color: "var(--ls-accent)" }}>Set up a run with it</Link>} />
    );
  }
  return (
    <Panel flush label="Runs that read this version">
      <div className={classes.sideways}>
        <table className={classes.table}>
          <thead><tr>{["Run", "State", "Method"].map((title) => <th key={title} scope="col">{title}</th>)}<th scope="col" className={classes.number}>Reward or loss</th><th scope="col">Created</th></tr></thead>
          <tbody>
            {runs.map((run) => (
              <tr key={run.id}>
                <td><RunDot slot={run.colour} /> <Link className={classes.link} to="/p/$projectId/runs/$runId" params={{ projectId, runId: run.id }}><bdi>{run.name}</bdi></Link></td>
                <td><StateBadge look={RUN_STATES[run.state]} /></td>
                <td>{run.method}</td>
                <td className={classes.number}>{formatNumber(run.metrics.reward ?? run.metrics.loss)}</td>
                <td><Time at={run.created_at} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {query.hasNextPage ? <Button fullWidth variant="subtle" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>More</Button> : null}
    </Panel>
  );
}
