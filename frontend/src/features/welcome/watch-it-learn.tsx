import { Button, type ButtonProps, Text } from "@mantine/core";
import { IconPlayerPlayFilled } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { explain, Problem } from "@/api/problem";
import { launchDemo } from "@/api/runs";
import { toast } from "@/ui/toasts";

const TRIES = 60;
const RETRY_MS = 1000;

/** Launches the demo and opens its first run; waits while a worker is still making the demo's model and data. */
export function WatchItLearn({ projectId, ...button }: { projectId: string } & ButtonProps) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const launch = useMutation({
    mutationFn: () => launchDemo(projectId),
    retry: (count, error) => count < TRIES && error instanceof Problem && error.code === "demo_not_ready",
    retryDelay: RETRY_MS,
    onSuccess: async ({ items }) => {
      void client.invalidateQueries({ queryKey: ["runs", projectId] });
      const first = items[0];
      if (!first) return;
      if (items[1]) toast(`${items[1].name} follows by itself when this warm-up ends.`);
      await navigate({ to: "/p/$projectId/runs/$runId/curves", params: { projectId, runId: first.id } });
    },
  });
  const waiting = launch.isPending && launch.failureCount > 0;
  return (
    <>
      <Button {...button} leftSection={<IconPlayerPlayFilled size={14} />} loading={launch.isPending} onClick={() => launch.mutate()}>Watch it learn</Button>
      {waiting ? <Text size="xs" c="dimmed" role="status">A worker is making the model and the data; this takes some seconds.</Text> : null}
      {launch.error ? <Text size="xs" c="var(--ls-bad)" role="alert">{explain(launch.error)}</Text> : null}
    </>
  );
}
