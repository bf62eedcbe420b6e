import { Button, Group, Modal, Text, Textarea } from "@mantine/core";
import { useState } from "react";

/** Rows pasted as text: JSON lines, a JSON list or CSV; they go the way of a file. */
export function PasteDialog({ opened, onClose, onFile }: { opened: boolean; onClose: () => void; onFile: (file: File) => void }) {
  const [text, setText] = useState("");
  const ending = formatOf(text);
  const send = (): void => {
    onFile(new File([text.endsWith("\n") ? text : `${text}\n`], `pasted rows.${ending}`, { type: "text/plain" }));
    setText("");
    onClose();
  };
  return (
    <Modal opened={opened} onClose={onClose} title="Paste rows" size="lg">
      <Textarea aria-label="Rows" placeholder={'{"prompt": "2 + 3 =", "completion": "5"}'} autosize minRows={8} maxRows={20} value={text} onChange={(event) => setText(event.currentTarget.value)} styles={{ input: { fontFamily: "var(--ls-mono)", fontSize: 12 } }} data-autofocus />
      <Group justify="space-between" mt={12}>
        <Text size="xs" c="dimmed">{text.trim() === "" ? "JSON lines, a JSON list, or CSV with a header" : `Read as ${ending.toUpperCase()}`}</Text>
        <Button disabled={text.trim() === ""} onClick={send}>Use rows</Button>
      </Group>
    </Modal>
  );
}

function formatOf(text: string): "json" | "jsonl" | "csv" {
  const start = text.trimStart().slice(0, 1);
  return start === "[" ? "json" : start === "{" ? "jsonl" : "csv";
}
