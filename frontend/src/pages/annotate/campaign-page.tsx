import { ActionIcon, Button, Menu, Text } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { campaignQuery, deleteCampaign, finishCampaign, reopenCampaign, restoreCampaign } from "@/api/annotation";
import { useStanding } from "@/api/standing";
import { CampaignState } from "@/features/annotate/campaign-state";
import { CampaignTabs } from "@/features/annotate/campaign-tabs";
import { ConflictsView } from "@/features/annotate/conflicts-view";
import { ExportView } from "@/features/annotate/export-view";
import { OverviewView } from "@/features/annotate/overview-view";
import { PeopleView } from "@/features/annotate/people-view";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { toastError, toastUndo } from "@/ui/toasts";

const route = getRouteApi("/signed-in/p/$projectId/annotate/$campaignId/$tab");

/** A campaign for those who run it: progress, people, conflicts, export. */
export function CampaignPage() {
  const { projectId, campaignId, tab } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const { role, canEdit } = useStanding(projectId);
  const query = useQuery({ ...campaignQuery(campaignId), refetchInterval: 5000 });
  const campaign = query.data;
  useBreadcrumbs([{ label: "Annotate", to: `/p/${projectId}/annotate` }, { label: campaign?.name ?? "" }]);
  if (query.isError && !campaign) return <PageFrame title="Campaign"><FailedState error={query.error} onRetry={() => void query.refetch()} what="This campaign" /></PageFrame>;
  if (!campaign) return <PageFrame title="Campaign"><LoadingState rows={8} /></PageFrame>;
  const refresh = (): void => {
    void client.invalidateQueries({ queryKey: ["campaign", campaignId] });
    void client.invalidateQueries({ queryKey: ["campaigns", projectId] });
  };
  const act = (deed: Promise<unknown>): void => void deed.then(refresh, toastError);
  const erase = async (): Promise<void> => {
    await deleteCampaign(campaignId);
    toastUndo(`Deleted ${campaign.name}. The bin keeps it for 30 days.`, () => act(restoreCampaign(campaignId)));
    refresh();
    await navigate({ to: "/p/$projectId/annotate", params: { projectId } });
  };
  const complete = campaign.done === campaign.tasks;
  return (
    <PageFrame
      title={<bdi>{campaign.name}</bdi>}
      note={campaign.deleted_at ? <Text c="var(--ls-warn)">in the bin</Text> : <CampaignState state={campaign.state} />}
      actions={
        <>
          {role !== "viewer" && campaign.state === "open" ? <Button component={Link} to={`/p/${projectId}/annotate/${campaignId}/work`}>Annotate</Button> : null}
          {canEdit ? (
            <Menu position="bottom-end" shadow="md">
              <Menu.Target><ActionIcon variant="default" aria-label="More actions"><IconDots size={16} /></ActionIcon></Menu.Target>
              <Menu.Dropdown>
                {campaign.state === "open" ? <Menu.Item onClick={() => act(finishCampaign(campaignId))}>Finish with {campaign.done} of {campaign.tasks} pairs</Menu.Item> : <Menu.Item disabled={complete} title={complete ? "Every pair has its judgments." : undefined} onClick={() => act(reopenCampaign(campaignId))}>Reopen</Menu.Item>}
                {campaign.deleted_at ? <Menu.Item onClick={() => act(restoreCampaign(campaignId))}>Restore</Menu.Item> : <Menu.Item color="var(--ls-bad)" onClick={() => void erase().catch(toastError)}>Delete</Menu.Item>}
              </Menu.Dropdown>
            </Menu>
          ) : null}
        </>
      }
    >
      <CampaignTabs projectId={projectId} campaignId={campaignId} open={tab} />
      {tab === "people" ? <PeopleView campaign={campaign} />
        : tab === "conflicts" ? <ConflictsView campaign={campaign} canEdit={canEdit} what={search.what ?? "conflicts"} onWhat={(what) => void navigate({ search: (old) => ({ ...old, what }), replace: true })} />
        : tab === "export" ? <ExportView campaign={campaign} canEdit={canEdit} shape={search.shape ?? "preference"} onShape={(shape) => void navigate({ search: (old) => ({ ...old, shape }), replace: true })} />
        : <OverviewView campaign={campaign} />}
    </PageFrame>
  );
}
