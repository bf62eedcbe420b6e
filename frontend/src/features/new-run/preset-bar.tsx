import { Button, Group, Menu, Modal, Stack, Text, TextInput, Tooltip } from "@mantine/core";
import { IconBookmark, IconDeviceFloppy, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { deleteConfig, saveConfig, savedConfigsQuery } from "@/api/algorithms";
import { explain } from "@/api/problem";
import type { AlgorithmConfig, MethodCard, RunDraft } from "@/api/shapes";
import { toast, toastError } from "@/ui/toasts";

interface Props { projectId: string; card: MethodCard; draft: RunDraft; onPreset: (config: Record<string, unknown>) => void; onSaved: (config: AlgorithmConfig) => void }

/** Presets of the method, and the project's own saved settings. */
export function PresetBar({ projectId, card, draft, onPreset, onSaved }: Props) {
  const [naming, setNaming] = useState(false);
  const { data: saved = [] } = useQuery(savedConfigsQuery(projectId));
  const client = useQueryClient();
  const drop = useMutation({
    mutationFn: deleteConfig,
    onSuccess: () => client.invalidateQueries({ queryKey: ["algorithm-configs", projectId] }),
    onError: (error) => toastError(error),
  });
  return (
    <Group gap={8}>
      {card.presets.map((preset) => (
        <Tooltip key={preset.name} label={preset.description || preset.title} multiline maw={300}>
          <Button variant={JSON.stringify(preset.config) === JSON.stringify(draft.config) ? "light" : "default"} onClick={() => onPreset(preset.config)}>{preset.title}</Button>
        </Tooltip>
      ))}
      <Menu position="bottom-start" width={280} shadow="md">
        <Menu.Target><Button variant="default" leftSection={<IconBookmark size={14} />}>Saved{saved.length ? ` (${saved.length})` : ""}</Button></Menu.Target>
        <Menu.Dropdown mah={360} style={{ overflowY: "auto" }}>
          {saved.length === 0 ? <Text px={12} py={8} c="dimmed" size="xs">Nothing saved yet. Save settings here to use them again.</Text> : null}
          {saved.map((one) => (
            <Menu.Item key={one.id} onClick={() => onSaved(one)} rightSection={<Text size="xs" c="dimmed">{one.method}</Text>}>{one.name}</Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconDeviceFloppy size={14} />} onClick={() => setNaming(true)}>Save these settings</Menu.Item>
          {saved.filter((one) => one.id === draft.config_id).map((one) => (
            <Menu.Item key={one.id} leftSection={<IconTrash size={14} />} onClick={() => drop.mutate(one.id)}>Delete “{one.name}”</Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {naming ? <SaveConfig projectId={projectId} draft={draft} onClose={() => setNaming(false)} /> : null}
    </Group>
  );
}

function SaveConfig({ projectId, draft, onClose }: { projectId: string; draft: RunDraft; onClose: () => void }) {
  const [name, setName] = useState("");
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => saveConfig(projectId, { name: name.trim(), method: draft.method, config: draft.config, reward: draft.reward }),
    onSuccess: async (config) => {
      await client.invalidateQueries({ queryKey: ["algorithm-configs", projectId] });
      toast(`Saved as “${config.name}”`);
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Modal opened onClose={onClose} title="Save settings" size="sm">
      <form onSubmit={submit}>
        <Stack gap={12}>
          <TextInput label="Name" data-autofocus required maxLength={120} value={name} onChange={(event) => setName(event.currentTarget.value)} description="Method, settings and reward; model and data are chosen each time." error={save.error ? explain(save.error) : null} />
          <Group justify="flex-end"><Button type="submit" disabled={!name.trim()} loading={save.isPending}>Save</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
