import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useStanding } from "@/api/standing";
import { CampaignForm } from "@/features/annotate/campaign-form";
import { startingSource } from "@/features/annotate/source-draft";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { PageFrame } from "@/ui/page";

const route = getRouteApi("/signed-in/p/$projectId/annotate/new");

/** A new campaign, beside the screen that its annotators will see. */
export function NewCampaignPage() {
  const { projectId } = route.useParams();
  const start = startingSource(route.useSearch());
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const { canEdit } = useStanding(projectId);
  useBreadcrumbs([{ label: "Annotate", to: `/p/${projectId}/annotate` }, { label: "New campaign" }]);
  if (!canEdit) return <PageFrame title="New campaign"><EmptyState title="Editors and owners create campaigns">Ask an owner of the project for the editor role.</EmptyState></PageFrame>;
  return (
    <PageFrame title="New campaign" wide>
      <CampaignForm
        projectId={projectId} start={start}
        onCreated={(campaign) => {
          void client.invalidateQueries({ queryKey: ["campaigns", projectId] });
          void navigate({ to: "/p/$projectId/annotate/$campaignId/$tab", params: { projectId, campaignId: campaign.id, tab: "overview" } });
        }}
      />
    </PageFrame>
  );
}
