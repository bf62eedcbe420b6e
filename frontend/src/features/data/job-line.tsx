import { Button, Group, Progress, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { cancelJob, hasEnded, jobQuery } from "@/api/jobs";
import type { Job } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { formatDuration, formatShare } from "@/ui/numbers";
import { toastError } from "@/ui/toasts";
import { FaultList } from "./fault-list";

/** A job of a worker as one line: what it does, how far, how long; it can be cancelled. Refusals name their faults. */
export function JobLine({ jobId, what, onEnd }: { jobId: string; what: string; onEnd?: (job: Job) => void }) {
  const query = useQuery(jobQuery(jobId));
  const job = query.data;
  const ended = job !== undefined && hasEnded(job);
  useEffect(() => {
    if (ended && job) onEnd?.(job);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- told once, when it ends
  }, [ended]);
  if (query.isError) return <FailedState error={query.error} onRetry={() => void query.refetch()} what={what} />;
  if (!job || job.state === "succeeded") return null;
  if (job.state === "cancelled") return <Text c="dimmed">{what}: cancelled.</Text>;
  if (job.state === "failed") {
    return (
      <div role="alert">
        <Text c="var(--ls-bad)" fw={600}>{job.error?.message ?? `${what} failed.`}</Text>
        {job.error?.remedy && <Text>{job.error.remedy}</Text>}
        <FaultList faults={job.error?.faults ?? []} />
      </div>
    );
  }
  return (
    <div role="status">
      <Group justify="space-between" gap={8}>
        <Text>{job.state === "queued" ? `${what}: waiting for a worker` : job.doing || what}</Text>
        <Group gap={8}>
          <Text size="xs" c="dimmed">{job.progress !== null && formatShare(job.progress, 0)}{job.eta_seconds !== null && ` · ${formatDuration(job.eta_seconds)} left`}</Text>
          <Button variant="subtle" size="compact-xs" onClick={() => void cancelJob(job.id).catch(toastError)}>Cancel</Button>
        </Group>
      </Group>
      <Progress mt={4} size={4} value={job.progress === null ? 100 : job.progress * 100} animated={job.progress === null && job.state === "running"} color={job.state === "queued" ? "var(--ls-line)" : undefined} aria-label={what} />
    </div>
  );
}
