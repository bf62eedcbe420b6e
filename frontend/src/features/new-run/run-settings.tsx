import { Collapse, Group, Select, SimpleGrid, TagsInput, Textarea, TextInput, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useState } from "react";
import type { RunDraft } from "@/api/shapes";
import type { Path } from "./draft-document";

interface Props { draft: RunDraft; disabled?: boolean; errorOf: (field: string) => string | undefined; onChange: (path: Path, value: unknown) => void }

/** Name and tags in sight; seed, limits and resources folded. */
export function RunSettings({ draft, disabled, errorOf, onChange }: Props) {
  const [open, setOpen] = useState(false);
  const number = (label: string, path: [string, string] | [string], value: number | null | undefined, hint: string, placeholder = "no limit") => (
    <TextInput
      label={label} description={hint} inputMode="decimal" placeholder={placeholder} key={`${path.join(".")}-${value ?? ""}`} defaultValue={value ?? ""} disabled={disabled} error={errorOf(path.join("."))}
      onBlur={(event) => onChange(path, readNumber(event.currentTarget.value))}
    />
  );
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing={16} verticalSpacing={12}>
        <TextInput label="Name" placeholder="a friendly name is found when left empty" key={draft.name} defaultValue={draft.name} maxLength={120} disabled={disabled} error={errorOf("name")} onBlur={(event) => onChange(["name"], event.currentTarget.value.trim() || undefined)} />
        <TagsInput label="Tags" value={draft.tags} maxTags={20} disabled={disabled} error={errorOf("tags")} placeholder={draft.tags.length ? undefined : "type and press enter"} onChange={(tags) => onChange(["tags"], tags.length ? tags : undefined)} />
      </SimpleGrid>
      <UnstyledButton onClick={() => setOpen(!open)} aria-expanded={open} c="var(--ls-accent)" mih={28} mt={4}>
        <Group gap={4}>{open ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />} Seed, limits, resources, notes</Group>
      </UnstyledButton>
      <Collapse expanded={open}>
        <SimpleGrid cols={{ base: 1, sm: 3 }} spacing={16} verticalSpacing={12} pt={8}>
          {number("Seed", ["seed"], draft.seed, "Same seed, same curve", "0")}
          {number("Stop after steps", ["limits", "max_steps"], draft.limits.max_steps, "Whichever limit comes first")}
          {number("Stop after seconds", ["limits", "max_wall_seconds"], draft.limits.max_wall_seconds, "Wall clock")}
          {number("Stop after tokens", ["limits", "max_tokens"], draft.limits.max_tokens, "Trained tokens")}
          {number("Stop at KL", ["limits", "max_kl"], draft.limits.max_kl, "To the reference")}
          {number("Priority", ["priority"], draft.priority, "Higher starts first", "0")}
          {number("GPUs", ["resources", "gpus"], draft.resources.gpus, "0 trains on the CPU", "0")}
          {number("Processes", ["resources", "processes"], draft.resources.processes, "Share each training step", draft.resources.gpus ? "one a GPU" : "1")}
          {number("CPU threads", ["resources", "threads"], draft.resources.threads, "Of each process", "all cores")}
          <Select label="Model in each process" description="FSDP2 cuts it in parts" data={[{ value: "whole", label: "whole" }, { value: "cut", label: "its part (FSDP2)" }]} value={draft.resources.shard ? "cut" : "whole"} disabled={disabled} onChange={(value) => onChange(["resources", "shard"], value === "cut" ? true : undefined)} />
          <Select label="Precision" description="bfloat16 halves memory" data={["float32", "bfloat16"]} value={draft.resources.precision} disabled={disabled} onChange={(value) => onChange(["resources", "precision"], value ?? undefined)} />
        </SimpleGrid>
        <Textarea label="Notes" mt={12} autosize minRows={2} maxRows={8} key={draft.notes} defaultValue={draft.notes} disabled={disabled} placeholder="What do you expect, and why?" onBlur={(event) => onChange(["notes"], event.currentTarget.value || undefined)} />
      </Collapse>
    </>
  );
}

function readNumber(text: string): number | undefined {
  const value = Number(text.trim().replaceAll(",", ""));
  return text.trim() === "" || !Number.isFinite(value) ? undefined : value;
}
