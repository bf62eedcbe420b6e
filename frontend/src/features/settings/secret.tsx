import { Button, Group, Text, TextInput } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy } from "@tabler/icons-react";

/** Something shown once: the sentence, the value, a copy button. */
export function Secret({ title, value }: { title: string; value: string }) {
  const clipboard = useClipboard();
  return (
    <div role="status" style={{ marginTop: 12 }}>
      <Text mb={4}>{title}</Text>
      <Group gap={8} wrap="nowrap">
        <TextInput flex={1} readOnly value={value} aria-label={title} ff="monospace" onFocus={(event) => event.currentTarget.select()} />
        <Button size="sm" variant="default" leftSection={clipboard.copied ? <IconCheck size={14} /> : <IconCopy size={14} />} onClick={() => clipboard.copy(value)}>{clipboard.copied ? "Copied" : "Copy"}</Button>
      </Group>
    </div>
  );
}
