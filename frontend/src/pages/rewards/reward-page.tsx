import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { algorithmsQuery } from "@/api/algorithms";
import { rewardQuery, rewardVersionsQuery } from "@/api/rewards";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { RewardDesk } from "./reward-desk";

/** Loads a reward with its versions and the catalogue of terms; `new` has neither. */
export function RewardPage() {
  const { projectId = "", rewardId, version: number, tab = "compose" } = useParams({ strict: false });
  const reward = useQuery({ ...rewardQuery(rewardId ?? ""), enabled: rewardId !== undefined });
  const versions = useQuery({ ...rewardVersionsQuery(rewardId ?? ""), enabled: rewardId !== undefined });
  const catalogue = useQuery(algorithmsQuery);
  useBreadcrumbs([{ label: "Rewards", to: `/p/${projectId}/rewards` }, { label: rewardId ? (reward.data?.name ?? "…") : "New reward" }]);
  const failed = reward.error ?? versions.error ?? catalogue.error;
  if (failed) return <PageFrame title="Reward"><FailedState error={failed} onRetry={() => { void reward.refetch(); void versions.refetch(); void catalogue.refetch(); }} /></PageFrame>;
  if (!catalogue.data || (rewardId && (!reward.data || !versions.data))) return <PageFrame title="Reward"><LoadingState rows={8} /></PageFrame>;
  const open = versions.data?.find((one) => String(one.number) === number) ?? versions.data?.[0] ?? null;
  return <RewardDesk key={open?.id ?? "new"} projectId={projectId} reward={reward.data ?? null} version={open} versions={versions.data ?? []} cards={catalogue.data.reward_terms} tab={tab === "try" ? "try" : "compose"} />;
}
