import { Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { modelQuery } from "@/api/models";
import { runQuery } from "@/api/runs";
import { useStanding } from "@/api/standing";
import { ReportOfRun } from "@/features/rewards/report-view";
import { termOf } from "@/features/rewards/with-model";

const route = getRouteApi("/signed-in/p/$projectId/runs/$runId");

/** The report, and the way on: a reward that asks the model. */
export function ReportTab() {
  const { projectId, runId } = route.useParams();
  const { canEdit } = useStanding(projectId);
  const run = useQuery(runQuery(runId)).data;
  const made = run?.final_model_id ?? "";
  const ready = useQuery({ ...modelQuery(made), enabled: made !== "" }).data?.state === "ready";
  return (
    <Stack gap={16}>
      {canEdit && ready ? (
        <Group gap={12}>
          <Button size="compact-sm" renderRoot={(root) => <Link to="/p/$projectId/rewards/new" params={{ projectId }} search={{ model: made, term: termOf(run?.method) }} {...root} />}>Use in a reward</Button>
          <Text size="xs" c="dimmed">Alone or beside rules; try it on real answers before a run learns from it.</Text>
        </Group>
      ) : null}
      <ReportOfRun runId={runId} />
    </Stack>
  );
}
