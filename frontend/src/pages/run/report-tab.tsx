import { getRouteApi } from "@tanstack/react-router";
import { ReportOfRun } from "@/features/rewards/report-view";

const route = getRouteApi("/signed-in/p/$projectId/runs/$runId");

export function ReportTab() {
  return <ReportOfRun runId={route.useParams().runId} />;
}
