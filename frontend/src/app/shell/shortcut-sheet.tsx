import { Group, Kbd, Modal, SimpleGrid, Stack, Text } from "@mantine/core";
import { type Shortcut, useShortcutGroups } from "@/ui/shortcuts";

/** The keys that work on this page now. */
export function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const groups = useShortcutGroups();
  return (
    <Modal opened onClose={onClose} title="Keys of this page" size="lg">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing={24}>
        {groups.toReversed().filter((group) => group.shortcuts.length > 0).map((group) => (
          <Stack key={group.name} gap={4}>
            <Text fw={600}>{group.name}</Text>
            {group.shortcuts.map((shortcut) => <Row key={shortcut.keys} shortcut={shortcut} />)}
          </Stack>
        ))}
      </SimpleGrid>
      <Text c="dimmed" size="xs" mt={16}>Single keys sleep while you type. Your profile turns them off.</Text>
    </Modal>
  );
}

function Row({ shortcut }: { shortcut: Shortcut }) {
  return (
    <Group justify="space-between" wrap="nowrap" gap={12}>
      <Text>{shortcut.label}</Text>
      <Group gap={4} wrap="nowrap">{shortcut.keys.split(/[ +]/).map((key) => <Kbd key={key} size="xs">{key}</Kbd>)}</Group>
    </Group>
  );
}
