import { ActionIcon, Menu } from "@mantine/core";
import { IconBan, IconCamera, IconCopy, IconDeviceFloppy, IconDots, IconTag, IconTrash } from "@tabler/icons-react";
import type { Icon } from "@tabler/icons-react";
import type { Run } from "@/api/shapes";
import { isActive } from "@/ui/run-states";
import { allowed, type Allowed } from "./run-controls";
import type { RunDeeds } from "./use-run-deeds";

interface Props {
  run: Run;
  deeds: RunDeeds;
  onClone: () => void;
  onTag: () => void;
  onCancel: () => void;
}

/** The rarer deeds of those who may edit. What the state forbids stays in its place and says why. */
export function RunMenu({ run, deeds, onClone, onTag, onCancel }: Props) {
  const deleting: Allowed = isActive(run.state) ? { ok: false, why: "Stop or cancel the run first." } : { ok: true, why: "" };
  return (
    <Menu position="bottom-end" shadow="md">
      <Menu.Target><ActionIcon variant="default" aria-label="More actions"><IconDots size={16} /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Entry icon={IconDeviceFloppy} label="Checkpoint now" allow={allowed(run, "checkpoint", true)} onClick={() => void deeds.control("checkpoint")} />
        <Entry icon={IconCamera} label="Sample now" keys="m" allow={allowed(run, "sample", true)} onClick={() => void deeds.control("sample")} />
        <Menu.Divider />
        <Entry icon={IconCopy} label="Clone" keys="c" allow={{ ok: true, why: "" }} onClick={onClone} />
        <Entry icon={IconTag} label="Tag" keys="t" allow={{ ok: true, why: "" }} onClick={onTag} />
        <Menu.Divider />
        <Entry icon={IconBan} label="Cancel run" allow={allowed(run, "cancel", true)} onClick={onCancel} danger />
        <Entry icon={IconTrash} label="Delete" allow={deleting} onClick={() => void deeds.remove()} danger />
      </Menu.Dropdown>
    </Menu>
  );
}

function Entry({ icon: Icon, label, keys, allow, onClick, danger }: { icon: Icon; label: string; keys?: string; allow: Allowed; onClick: () => void; danger?: boolean }) {
  return (
    <Menu.Item
      leftSection={<Icon size={16} />}
      rightSection={keys ? <kbd>{keys}</kbd> : undefined}
      disabled={!allow.ok}
      title={allow.why}
      color={danger && allow.ok ? "var(--ls-bad)" : undefined}
      onClick={onClick}
    >
      {label}
    </Menu.Item>
  );
}
