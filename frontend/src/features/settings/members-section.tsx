import { ActionIcon, Button, Group, Select, Stack, Table, Text, TextInput, Tooltip } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { addMember, editMember, membersQuery, removeMember } from "@/api/projects";
import { explain } from "@/api/problem";
import type { Role } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import { toastError, toastUndo } from "@/ui/toasts";
import { ROLES } from "./roles";
import { Secret } from "./secret";

interface Props { projectId: string; owner: boolean; me: string }

export function MembersSection({ projectId, owner, me }: Props) {
  const client = useQueryClient();
  const members = useQuery(membersQuery(projectId));
  const refresh = () => client.invalidateQueries({ queryKey: ["members", projectId] });
  const change = useMutation({ mutationFn: ({ id, role }: { id: string; role: Role }) => editMember(id, role), onSettled: refresh, onError: (error) => toastError(error) });
  const drop = useMutation({
    mutationFn: (member: { id: string; email: string; role: Role }) => removeMember(member.id),
    onSuccess: async (_, member) => {
      await refresh();
      toastUndo(`Removed ${member.email}`, () => void addMember(projectId, member.email, member.role).then(refresh, toastError));
    },
    onError: (error) => toastError(error),
  });
  if (members.error) return <FailedState error={members.error} onRetry={() => void members.refetch()} />;
  if (!members.data) return <LoadingState rows={4} />;
  return (
    <Stack gap={16}>
      {owner ? <Invite projectId={projectId} onDone={refresh} /> : null}
      <Panel title="Members" flush>
        <Table verticalSpacing={6} horizontalSpacing={12}>
          <Table.Tbody>
            {members.data.map((member) => (
              <Table.Tr key={member.id}>
                <Table.Td><Text fw={600}>{member.user.name || member.user.email}{member.user.id === me ? " (you)" : ""}</Text><Text size="xs" c="dimmed">{member.user.email}</Text></Table.Td>
                <Table.Td w={170}>
                  {owner ? <Select size="xs" aria-label={`Role of ${member.user.email}`} data={ROLES.map(({ value, label }) => ({ value, label }))} value={member.role} onChange={(role) => role && change.mutate({ id: member.id, role: role as Role })} /> : member.role}
                </Table.Td>
                <Table.Td c="dimmed" visibleFrom="sm"><Time at={member.created_at} /></Table.Td>
                <Table.Td w={44}>{owner ? <Tooltip label="Remove"><ActionIcon aria-label={`Remove ${member.user.email}`} onClick={() => drop.mutate({ id: member.id, email: member.user.email, role: member.role })}><IconTrash size={16} /></ActionIcon></Tooltip> : null}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Panel>
      <Text size="xs" c="dimmed">{ROLES.map((role) => `${role.label}: ${role.may}`).join(". ")}.</Text>
    </Stack>
  );
}

function Invite({ projectId, onDone }: { projectId: string; onDone: () => void }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("editor");
  const invite = useMutation({
    mutationFn: () => addMember(projectId, email.trim(), role),
    onSuccess: () => {
      setEmail("");
      onDone();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate();
  };
  return (
    <Panel title="Invite">
      <form onSubmit={submit}>
        <Group gap={8} align="flex-start">
          <TextInput flex={1} miw={200} type="email" label="Email" placeholder="name@example.org" value={email} onChange={(event) => setEmail(event.currentTarget.value)} error={invite.error ? explain(invite.error) : null} />
          <Select w={130} label="Role" data={ROLES.map(({ value, label }) => ({ value, label }))} value={role} onChange={(value) => setRole((value ?? "editor") as Role)} />
          <Button type="submit" size="sm" mt={19} disabled={!email.trim()} loading={invite.isPending}>Invite</Button>
        </Group>
      </form>
      {invite.data?.invite_link ? <Secret title={`Send this link to ${invite.data.user.email}. It works once.`} value={invite.data.invite_link} /> : null}
    </Panel>
  );
}
