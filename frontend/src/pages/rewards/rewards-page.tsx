import { Button, TextInput } from "@mantine/core";
import { IconPlus, IconTrophy } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { rewardsQuery } from "@/api/rewards";
import { useStanding } from "@/api/standing";
import { RewardsTable } from "@/features/rewards/rewards-table";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { useShortcuts } from "@/ui/shortcuts";

const route = getRouteApi("/signed-in/p/$projectId/rewards");

/** The rewards of the project: find one, compose one. */
export function RewardsPage() {
  const { projectId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [q, setQ] = useState(search.q ?? "");
  const box = useRef<HTMLInputElement>(null);
  const { canEdit } = useStanding(projectId);
  const rewards = useQuery({ ...rewardsQuery(projectId, search.q), placeholderData: keepPreviousData });
  useBreadcrumbs([{ label: "Rewards" }]);
  useShortcuts("Rewards", [{ keys: "/", label: "Find a reward", run: () => box.current?.focus() }]);
  const find = (value: string): void => {
    setQ(value);
    void navigate({ search: () => ({ q: value || undefined }), replace: true });
  };
  const compose = canEdit ? <Button leftSection={<IconPlus size={14} />} renderRoot={(root) => <Link to="/p/$projectId/rewards/new" params={{ projectId }} {...root} />}>New reward</Button> : null;
  return (
    <PageFrame title="Rewards" actions={<><TextInput ref={box} aria-label="Find a reward" placeholder="Find a reward" value={q} onChange={(event) => find(event.currentTarget.value)} />{compose}</>}>
      {rewards.isError ? <FailedState error={rewards.error} onRetry={() => void rewards.refetch()} what="Rewards" /> : null}
      {rewards.isPending ? <LoadingState rows={4} /> : null}
      {rewards.data && rewards.data.length > 0 ? <RewardsTable projectId={projectId} rewards={rewards.data} /> : null}
      {rewards.data?.length === 0 ? (
        <EmptyState icon={IconTrophy} title={search.q ? "No reward by that name" : "No rewards yet"} action={search.q ? undefined : compose} api={`POST /api/v1/projects/${projectId}/rewards`}>
          {search.q ? "Try fewer letters." : "A reward says what a good answer is: named terms with weights, tried on real answers before a run learns from them."}
        </EmptyState>
      ) : null}
    </PageFrame>
  );
}
