import { Button, Kbd, Tooltip } from "@mantine/core";
import { IconPlayerPlayFilled } from "@tabler/icons-react";
import type { Preflight } from "@/features/new-run/use-preflight";
import { useShortcuts } from "@/ui/shortcuts";
import { launchRefusal } from "./launch-refusal";

interface Props { missing: string[]; sound: boolean; preflight: Preflight; launching: boolean; onLaunch: () => void; onClear: () => void }

export function LaunchBar({ missing, sound, preflight, launching, onLaunch, onClear }: Props) {
  const refusal = launchRefusal({ missing, sound, state: preflight.state, ready: preflight.report?.ready ?? false });
  const launch = () => (refusal ? undefined : onLaunch());
  useShortcuts("New run", [{ keys: "ctrl+enter", label: "Launch run", run: launch }]);
  return (
    <>
      <Button variant="subtle" color="var(--ls-muted)" onClick={onClear}>Clear</Button>
      <Tooltip label={refusal} disabled={!refusal}>
        <Button
          leftSection={<IconPlayerPlayFilled size={14} />} rightSection={<Kbd size="xs" visibleFrom="md">ctrl ↵</Kbd>}
          data-disabled={refusal ? true : undefined} aria-disabled={refusal !== null} loading={launching} onClick={launch}
        >
          Launch run
        </Button>
      </Tooltip>
    </>
  );
}
