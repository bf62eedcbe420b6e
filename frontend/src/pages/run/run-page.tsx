import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { algorithmsQuery } from "@/api/algorithms";
import { runQuery } from "@/api/runs";
import type { Run } from "@/api/shapes";
import { useStanding } from "@/api/standing";
import { OpenRun } from "@/features/live/open-run";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";

const route = getRouteApi("/signed-in/p/$projectId/runs/$runId");

/** A run: one header, and the tab that is open. */
export function RunPage() {
  const { runId } = route.useParams();
  const run = useQuery(runQuery(runId));
  // The catalogue names and orders the curves: drawn before it is there, they would all move when it comes.
  const { isPending: unnamed } = useQuery(algorithmsQuery);
  if (run.data && !unnamed) return <Loaded key={run.data.id} run={run.data} />;
  return <div style={{ padding: 24 }}>{run.isError ? <FailedState error={run.error} onRetry={() => void run.refetch()} what="This run" /> : <LoadingState rows={8} />}</div>;
}

function Loaded({ run }: { run: Run }) {
  const algorithms = useQuery(algorithmsQuery);
  const { canEdit } = useStanding(run.project_id);
  const method = algorithms.data?.methods.find((card) => card.slug === run.method);
  return <OpenRun run={run} method={method} canEdit={canEdit} />;
}
