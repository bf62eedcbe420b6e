import { Button, Group } from "@mantine/core";
import { IconCheck, IconHourglass } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { progressQuery } from "@/api/annotation";
import type { Campaign, WorkProgress } from "@/api/shapes";
import { useStanding } from "@/api/standing";
import { EmptyState } from "@/ui/empty-state";
import { formatShare } from "@/ui/numbers";

interface Props { campaign: Campaign; progress: WorkProgress | null; waiting: number; onLeave: () => void; onUndo: () => void }

/** Nothing is left to judge: thanks, how many, how far one agrees with the others; or for whom the rest waits. */
export function WorkDone({ campaign, progress, waiting, onLeave, onUndo }: Props) {
  const finished = progress?.state === "finished";
  const mine = progress?.mine ?? 0;
  const { data } = useQuery({ ...progressQuery(campaign.id), staleTime: 0, refetchInterval: 10_000 });
  const { canEdit } = useStanding(campaign.project_id);
  const agreement = data?.my_agreement;
  const action = (
    <Group gap={8}>
      {finished || mine === 0 ? null : <Button variant="default" onClick={onUndo}>Undo the last</Button>}
      <Button variant={finished && canEdit ? "default" : "filled"} onClick={onLeave}>Back to the list</Button>
      {finished && canEdit ? <Button renderRoot={(root) => <Link to="/p/$projectId/annotate/$campaignId/$tab" params={{ projectId: campaign.project_id, campaignId: campaign.id, tab: "export" }} {...root} />}>Make data of them</Button> : null}
    </Group>
  );
  if (waiting > 0) {
    return <EmptyState icon={IconHourglass} title={`${waiting} of your judgments wait for the network`} action={action}>They are kept in this browser and sent by themselves. Leave this page open, or come back to it with this browser.</EmptyState>;
  }
  const count = `You judged ${mine} ${mine === 1 ? "pair" : "pairs"}.`;
  return (
    <EmptyState icon={finished ? IconCheck : IconHourglass} title={finished ? "Thank you, all pairs are judged" : mine > 0 ? "Thank you, nothing is left for you now" : "Nothing waits for you now"} action={action}>
      {mine > 0 ? count : null}
      {agreement === null || agreement === undefined ? null : ` You agree with the others on ${formatShare(agreement, 0)} of what they said of your pairs.`}
      {finished ? null : " Others hold the rest, or you skipped it. Pairs that are given back appear here by themselves."}
    </EmptyState>
  );
}
