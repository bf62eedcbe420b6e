import { Code, CopyButton, Group, Button, SimpleGrid, Text } from "@mantine/core";
import { IconCpu } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { workersQuery } from "@/api/projects";
import { useBreadcrumbs } from "@/ui/breadcrumbs";
import { EmptyState } from "@/ui/empty-state";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { PageFrame } from "@/ui/page";
import { Panel } from "@/ui/panel";
import { WorkerCard } from "./worker-card";

const COMMAND = ".venv/bin/lodestar worker";

/** Hosts, their places for runs, and the line that adds one. */
export function WorkersPage() {
  const workers = useQuery(workersQuery);
  useBreadcrumbs([{ label: "Workers" }]);
  const line = (
    <Group gap={8} wrap="nowrap">
      <Code bg="var(--ls-sunken)" fz={12} px={8} py={4}>{COMMAND}</Code>
      <CopyButton value={COMMAND}>{({ copied, copy }) => <Button variant="default" onClick={copy}>{copied ? "Copied" : "Copy"}</Button>}</CopyButton>
    </Group>
  );
  return (
    <PageFrame title="Workers">
      {workers.isPending ? <LoadingState rows={4} height={60} /> : null}
      {workers.error ? <FailedState error={workers.error} onRetry={() => void workers.refetch()} /> : null}
      {workers.data?.length === 0 ? (
        <Panel><EmptyState icon={IconCpu} title="No worker has ever answered" action={line} api="GET /api/v1/workers">Workers train. Start one on any host that reaches the same database and Redis.</EmptyState></Panel>
      ) : null}
      {workers.data?.length ? (
        <>
          <SimpleGrid cols={{ base: 1, md: 2 }} spacing={16} mb={16}>{workers.data.map((worker) => <WorkerCard key={worker.id} worker={worker} />)}</SimpleGrid>
          <Panel title="Add a worker"><Group justify="space-between"><Text c="dimmed">Run this in the project folder of another host, with the same LODESTAR_DATABASE_URL and LODESTAR_REDIS_URL.</Text>{line}</Group></Panel>
        </>
      ) : null}
    </PageFrame>
  );
}
