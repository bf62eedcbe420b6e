import { Button, Text } from "@mantine/core";
import { IconPlayerPlay, IconPlus } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { workersQuery } from "@/api/projects";
import { runsQuery } from "@/api/runs";
import { sessionQuery } from "@/api/session";
import { useStanding } from "@/api/standing";
import { bestEvaluation, homeLists } from "@/features/home/home-lists";
import { RunLine } from "@/features/home/run-line";
import { WatchItLearn } from "@/features/welcome/watch-it-learn";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { useNow } from "@/ui/time";
import classes from "./home-page.module.css";
import { Yesterday } from "./yesterday";

/** What needs me, what runs, what ended. */
export function HomePage() {
  const { projectId } = useParams({ from: "/signed-in/p/$projectId/" });
  const { data: session } = useQuery(sessionQuery);
  const project = session?.projects.find((one) => one.id === projectId);
  useBreadcrumbs([{ label: project?.name ?? "Home" }], "Home");
  const now = useNow(60_000);
  const runs = useInfiniteQuery(runsQuery(projectId));
  const { data: fresh } = useQuery<string[]>({ queryKey: ["new-runs", projectId], queryFn: () => [], staleTime: Infinity });
  const { refetch } = runs;
  const freshCount = fresh?.length ?? 0;
  useEffect(() => {
    if (freshCount > 0) void refetch();
  }, [freshCount, refetch]);
  const { data: workers } = useQuery(workersQuery);
  const all = runs.data?.pages.flatMap((page) => page.items) ?? [];
  const { needs, going, ended } = homeLists(all, now);
  const silent = workers !== undefined && !workers.some((worker) => worker.online);
  const { canEdit } = useStanding(projectId);
  const newRun = <Button component={Link} to={`/p/${projectId}/runs/new`} leftSection={<IconPlus size={14} />} variant={project?.is_demo && all.length === 0 ? "default" : "filled"}>New run</Button>;
  return (
    <PageFrame title={project?.name ?? "Home"} actions={canEdit ? newRun : undefined}>
      {runs.isPending ? <LoadingState rows={8} /> : null}
      {runs.error ? <FailedState error={runs.error} onRetry={() => void runs.refetch()} /> : null}
      {runs.isSuccess && all.length === 0 ? (
        <Panel>
          <EmptyState icon={IconPlayerPlay} title="No runs yet" api={`POST /api/v1/projects/${projectId}/${project?.is_demo ? "demo-runs" : "runs"}`} action={!canEdit ? undefined : project?.is_demo ? <WatchItLearn projectId={projectId} size="sm" /> : newRun}>
            {!canEdit ? "Runs appear here when an editor launches them." : project?.is_demo ? "Launch the demo to see one in a minute: a small model learns to add." : "Bring data, choose a model and a method, and launch. The first points come in seconds."}
          </EmptyState>
        </Panel>
      ) : null}
      {all.length > 0 ? (
        <div className={classes.stack}>
          {needs.length > 0 || silent ? (
            <Panel title="Needs you" flush>
              <ul className={classes.list}>
                {silent ? <li className={classes.note}><Text c="var(--ls-bad)">No worker answers, so nothing can run.</Text><Button component={Link} to="/ops/workers" variant="light">Look</Button></li> : null}
                {needs.map((run) => <RunLine key={run.id} run={run} canEdit={canEdit} aside={run.state === "failed" ? <Button component={Link} to={`/p/${projectId}/runs/${run.id}/curves`} variant="light" aria-label={`Look at ${run.name}`}>Look</Button> : undefined} />)}
              </ul>
            </Panel>
          ) : null}
          <Panel title="Running" flush>
            {going.length > 0 ? <ul className={classes.list}>{going.map((run) => <RunLine key={run.id} run={run} canEdit={canEdit} />)}</ul> : <Text c="dimmed" p={12}>Nothing runs at the moment.</Text>}
          </Panel>
          <Yesterday ended={ended} best={bestEvaluation(ended)} />
        </div>
      ) : null}
    </PageFrame>
  );
}
