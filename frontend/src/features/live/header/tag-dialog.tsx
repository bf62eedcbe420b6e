import { Button, Group, Modal, TagsInput } from "@mantine/core";
import { useState } from "react";

/** The run's tags, edited in one field. */
export function TagDialog({ opened, tags, onClose, onSave }: { opened: boolean; tags: string[]; onClose: () => void; onSave: (tags: string[]) => void }) {
  const [value, setValue] = useState(tags);
  return (
    <Modal opened={opened} onClose={onClose} title="Tags">
      <TagsInput label="Tags" description="Enter adds one." value={value} onChange={setValue} data-autofocus maxTags={20} />
      <Group justify="flex-end" mt={16}><Button onClick={() => onSave(value)}>Save tags</Button></Group>
    </Modal>
  );
}
