import { Button, Modal, Stack, Table, Text, VisuallyHidden } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { revokeToken, tokensQuery } from "@/api/projects";
import type { Token } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import { formatTime } from "@/ui/times";
import { toast, toastError } from "@/ui/toasts";
import { NewToken } from "./new-token";

export function TokensSection({ projectId }: { projectId: string }) {
  const client = useQueryClient();
  const tokens = useQuery(tokensQuery);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const refresh = () => client.invalidateQueries({ queryKey: tokensQuery.queryKey });
  const revoke = useMutation({
    mutationFn: (token: Token) => revokeToken(token.id),
    onSuccess: async (_, token) => {
      setRevoking(null);
      await refresh();
      toast(`Revoked ${token.name}`);
    },
    onError: (error) => toastError(error),
  });
  if (tokens.error) return <FailedState error={tokens.error} onRetry={() => void tokens.refetch()} />;
  if (!tokens.data) return <LoadingState rows={4} />;
  return (
    <Stack gap={16}>
      <NewToken projectId={projectId} onDone={refresh} />
      <Panel title="Your tokens" flush>
        {tokens.data.length === 0 ? <Text c="dimmed" p={12}>No tokens yet. A script sends one as “Authorization: Bearer …”.</Text> : (
          <Table.ScrollContainer minWidth={620}>
            <Table verticalSpacing={6} horizontalSpacing={12}>
              <Table.Thead><Table.Tr>{["Name", "Begins with", "May", "For", "Ends", "Last used", ""].map((title) => <Table.Th key={title} c="dimmed" fz={12}>{title || <VisuallyHidden>Actions</VisuallyHidden>}</Table.Th>)}</Table.Tr></Table.Thead>
              <Table.Tbody>
                {tokens.data.map((token) => (
                  <Table.Tr key={token.id}>
                    <Table.Td fw={600}>{token.name}</Table.Td>
                    <Table.Td ff="monospace" fz={12}>{token.prefix}…</Table.Td>
                    <Table.Td>{token.scopes.join(", ")}</Table.Td>
                    <Table.Td>{token.project_id === null ? "all projects" : token.project_id === projectId ? "this project" : "another project"}</Table.Td>
                    <Table.Td>{token.expires_at ? formatTime(token.expires_at) : "never"}</Table.Td>
                    <Table.Td c="dimmed">{token.last_used_at ? <Time at={token.last_used_at} /> : "never"}</Table.Td>
                    <Table.Td><Button variant="subtle" color="var(--ls-bad)" size="compact-sm" aria-label={`Revoke ${token.name}`} onClick={() => setRevoking(token)}>Revoke</Button></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Panel>
      <Modal opened={revoking !== null} onClose={() => setRevoking(null)} title={`Revoke ${revoking?.name ?? ""}?`} size="sm">
        <Text mb={16}>Scripts that use it are refused from now on. This cannot be undone.</Text>
        <Button color="var(--ls-bad)" autoContrast loading={revoke.isPending} onClick={() => revoking && revoke.mutate(revoking)}>Revoke token</Button>
      </Modal>
    </Stack>
  );
}
