import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { campaignQuery } from "@/api/annotation";
import { sessionQuery } from "@/api/session";
import { useStanding } from "@/api/standing";
import { WorkView } from "@/features/annotate/work-view";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";

const route = getRouteApi("/full-screen/p/$projectId/annotate/$campaignId/work");

/** The annotator's screen, without the frame of the other pages. */
export function WorkPage() {
  const { projectId, campaignId } = route.useParams();
  const { data: session } = useQuery(sessionQuery);
  const { role } = useStanding(projectId);
  const campaign = useQuery({ ...campaignQuery(campaignId), refetchOnWindowFocus: false });
  useBreadcrumbs([{ label: campaign.data?.name ?? "Annotate" }]);
  if (campaign.isError && !campaign.data) return <main style={{ padding: 24 }}><h1 hidden>Annotate</h1><FailedState error={campaign.error} onRetry={() => void campaign.refetch()} what="This campaign" /></main>;
  if (!campaign.data || !session?.user) return <main style={{ padding: 24 }}><LoadingState rows={8} /></main>;
  if (role === "viewer") return <main><h1 hidden>Annotate</h1><EmptyState title="Viewers do not judge">Ask an owner of the project for the annotator role.</EmptyState></main>;
  return <WorkView key={campaignId} campaign={campaign.data} userId={session.user.id} />;
}
