import { Button } from "@mantine/core";
import { IconChecklist, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { campaignsQuery } from "@/api/annotation";
import { useStanding } from "@/api/standing";
import { CampaignList } from "@/features/annotate/campaign-list";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";

const route = getRouteApi("/signed-in/p/$projectId/annotate");

/** The campaigns that ask for judgment; an annotator's only place. */
export function AnnotatePage() {
  const { projectId } = route.useParams();
  const { role, canEdit, onlyAnnotates } = useStanding(projectId);
  const campaigns = useQuery(campaignsQuery(projectId));
  useBreadcrumbs([{ label: "Annotate" }]);
  const create = <Button component={Link} to={`/p/${projectId}/annotate/new`} leftSection={<IconPlus size={14} />}>New campaign</Button>;
  return (
    <PageFrame title="Annotate" actions={canEdit && campaigns.data?.length ? create : undefined}>
      {campaigns.isError && !campaigns.data ? <FailedState error={campaigns.error} onRetry={() => void campaigns.refetch()} what="Campaigns" /> : null}
      {campaigns.isPending ? <LoadingState rows={4} height={80} /> : null}
      {campaigns.data?.length === 0 ? (
        <Panel>
          <EmptyState icon={IconChecklist} title={onlyAnnotates ? "Nothing waits for your judgement" : "No campaigns yet"} action={canEdit ? create : undefined} api={canEdit ? `POST /api/v1/projects/${projectId}/campaigns` : undefined}>
            {canEdit ? "A campaign shows people pairs of answers and asks which is better: of a data set, of models' samples, or of what a run's policy wrote. What they say becomes data to train on." : "Answers of a model that somebody asks you to compare appear here. Nothing has been asked yet."}
          </EmptyState>
        </Panel>
      ) : null}
      {campaigns.data?.length ? <CampaignList campaigns={campaigns.data} canAnnotate={role !== "viewer"} seesAll={!onlyAnnotates} /> : null}
    </PageFrame>
  );
}
