import { Button, Group, Modal, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { createDataset, type Created } from "@/api/datasets";
import { FailedState } from "@/ui/failed-state";

/** A data set of the Hugging Face Hub by name; a worker fetches it. */
export function HubDialog({ projectId, opened, onClose, onCreated }: { projectId: string; opened: boolean; onClose: () => void; onCreated: (created: Created) => void }) {
  const [form, setForm] = useState({ name: "", config: "", split: "", revision: "" });
  const set = (field: keyof typeof form) => (event: { currentTarget: { value: string } }) => setForm({ ...form, [field]: event.currentTarget.value.trim() });
  const create = useMutation({
    mutationFn: () => {
      const hub = Object.fromEntries(Object.entries(form).filter(([, value]) => value !== "")) as { name: string };
      return createDataset(projectId, { name: form.name.split("/").at(-1) ?? form.name, source: { hub }, splits: { mode: "none" } });
    },
    onSuccess: onCreated,
  });
  return (
    <Modal opened={opened} onClose={onClose} title="From the Hub">
      <form onSubmit={(event) => { event.preventDefault(); create.mutate(); }}>
        <TextInput label="Name" placeholder="openai/gsm8k" value={form.name} onChange={set("name")} required data-autofocus />
        <Group grow mt={8} align="flex-end">
          <TextInput label="Configuration" placeholder="main" value={form.config} onChange={set("config")} />
          <TextInput label="Split" placeholder="all" value={form.split} onChange={set("split")} />
          <TextInput label="Revision" placeholder="main" value={form.revision} onChange={set("revision")} />
        </Group>
        {create.isError && <div style={{ marginTop: 12 }}><FailedState error={create.error} /></div>}
        <Group justify="flex-end" mt={16}><Button type="submit" loading={create.isPending} disabled={form.name === ""}>Fetch</Button></Group>
      </form>
    </Modal>
  );
}
