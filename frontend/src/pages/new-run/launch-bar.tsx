import { Button, Kbd, Loader, Tooltip } from "@mantine/core";
import { IconPlayerPlayFilled } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import type { Preflight } from "@/features/new-run/use-preflight";
import { useShortcuts } from "@/ui/shortcuts";
import { launchRefusal, launchWaits } from "./launch-refusal";

interface Props { text: string; missing: string[]; sound: boolean; preflight: Preflight; launching: boolean; onLaunch: () => void; onClear: () => void }

/** Launches what is checked. A press while the check is under way, which leaving a field begins, waits for it; an edit takes the press back. */
export function LaunchBar({ text, missing, sound, preflight, launching, onLaunch, onClear }: Props) {
  const draft = { missing, sound, state: preflight.state, ready: preflight.report?.ready ?? false };
  const refusal = launchRefusal(draft);
  const waits = launchWaits(draft);
  const [pressed, setPressed] = useState<string | null>(null);
  const sent = useRef<string | null>(null);
  if (pressed !== null && (pressed !== text || (refusal && !waits))) setPressed(null);
  const launch = () => {
    sent.current = null;
    if (!refusal) onLaunch();
    else if (waits) setPressed(text);
  };
  const due = pressed === text && !refusal;
  useEffect(() => {
    if (!due || sent.current === text) return;
    sent.current = text;
    onLaunch();
  }, [due, text, onLaunch]);
  const awaited = waits && pressed === text;
  useShortcuts("New run", [{ keys: "ctrl+enter", label: "Launch run", run: launch }]);
  return (
    <>
      <Button variant="subtle" color="var(--ls-muted)" onClick={onClear}>Clear</Button>
      <Tooltip label={awaited ? "Launches when the check is through; an edit takes it back." : refusal} disabled={!refusal}>
        <Button
          leftSection={awaited ? <Loader size={14} color="currentColor" /> : <IconPlayerPlayFilled size={14} />} rightSection={<Kbd size="xs" visibleFrom="md">ctrl ↵</Kbd>}
          data-disabled={refusal && !waits ? true : undefined} aria-disabled={refusal !== null && !waits} loading={launching} onClick={launch}
        >
          {awaited ? "Launches when checked" : "Launch run"}
        </Button>
      </Tooltip>
    </>
  );
}
