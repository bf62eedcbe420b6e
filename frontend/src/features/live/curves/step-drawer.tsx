import { Button, Drawer, Group, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Run } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { AnswerGroup } from "../rollouts/answer-group";
import { nearestStep } from "../rollouts/nearest-step";

interface Props {
  run: Run;
  step: number | undefined;
  onClose: () => void;
  onStep: (step: number) => void;
}

const SHOWN = 6;

/** What the policy wrote at a step: slides in beside the curves when a point is clicked. */
export function StepDrawer({ run, step, onClose, onStep }: Props) {
  const query = useQuery({
    queryKey: ["run", run.id, "at", step],
    queryFn: async () => ({ found: await nearestStep(run.id, step as number, SHOWN) }),
    enabled: step !== undefined,
    placeholderData: keepPreviousData,
  });
  const found = query.data?.found;
  return (
    <Drawer
      opened={step !== undefined}
      onClose={onClose}
      position="right"
      size="min(680px, 100vw)"
      withOverlay={false}
      lockScroll={false}
      trapFocus={false}
      transitionProps={{ duration: 120 }}
      title={<Text fw={600}>Step {step}</Text>}
      closeButtonProps={{ "aria-label": "Close the answers of this step" }}
    >
      {query.isError && <FailedState error={query.error} onRetry={() => void query.refetch()} what="Rollouts" />}
      {query.isPending && step !== undefined && <LoadingState rows={6} />}
      {found && found.items.length === 0 && <Text c="dimmed">No rollouts are stored near this step. Press m to write those of the next step.</Text>}
      {found && found.items.length > 0 && (
        <>
          <Group justify="space-between" mb={12}>
            <Text c="dimmed">{found.step === step ? `${found.items.length} prompts` : `Rollouts of step ${found.step}, the nearest stored`}</Text>
            <Group gap={8}>
              {found.step !== step && <Button variant="subtle" size="compact-xs" onClick={() => onStep(found.step)}>Go to {found.step}</Button>}
              <Button
                variant="default"
                size="compact-xs"
                renderRoot={(props) => <Link to="/p/$projectId/runs/$runId/rollouts" params={{ projectId: run.project_id, runId: run.id }} search={{ step: String(found.step) }} {...props} />}
              >
                Open in Rollouts
              </Button>
            </Group>
          </Group>
          {found.items.map((rollout) => <AnswerGroup key={rollout.cursor} run={run} rollout={rollout} compact />)}
        </>
      )}
    </Drawer>
  );
}

