import { Button, Group, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { auditQuery } from "@/api/projects";
import { CopyId } from "@/ui/copy-id";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import { detailText } from "./audit-words";

/** Who did what, newest first. */
export function AuditSection({ projectId }: { projectId: string }) {
  const [trail, setTrail] = useState<(string | null)[]>([null]);
  const page = useQuery(auditQuery(projectId, trail.at(-1) ?? null));
  if (page.error) return <FailedState error={page.error} onRetry={() => void page.refetch()} />;
  if (!page.data) return <LoadingState rows={10} />;
  const next = page.data.next;
  return (
    <>
      <Panel flush label="Audit">
        <Table.ScrollContainer minWidth={640}>
          <Table verticalSpacing={6} horizontalSpacing={12}>
            <Table.Thead><Table.Tr>{["When", "Who", "What", "On", "Detail"].map((title) => <Table.Th key={title} c="dimmed" fz={12}>{title}</Table.Th>)}</Table.Tr></Table.Thead>
            <Table.Tbody>
              {page.data.items.map((entry) => (
                <Table.Tr key={entry.id}>
                  <Table.Td c="dimmed"><Time at={entry.time} /></Table.Td>
                  <Table.Td>{entry.actor.name}{entry.actor.kind === "token" ? " (token)" : ""}</Table.Td>
                  <Table.Td fw={600}>{entry.action}</Table.Td>
                  <Table.Td><CopyId id={entry.subject_id} short /></Table.Td>
                  <Table.Td><Text size="xs" c="dimmed" lineClamp={1}>{detailText(entry.detail)}</Text></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        {page.data.items.length === 0 ? <Text c="dimmed" p={12}>Nothing happened yet.</Text> : null}
      </Panel>
      <Group mt={8} gap={8}>
        <Button variant="default" disabled={trail.length === 1} onClick={() => setTrail(trail.slice(0, -1))}>Newer</Button>
        <Button variant="default" disabled={next === null} onClick={() => setTrail([...trail, next])}>Older</Button>
      </Group>
    </>
  );
}
