import { Button, Group, Progress, Text } from "@mantine/core";
import { formatBytes, formatDuration } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import type { FileUpload } from "./use-upload";

/** How far the file has come: bytes, speed, time left; pause keeps what was sent. */
export function UploadLine({ file }: { file: FileUpload }) {
  const { sending } = file;
  const left = sending.bytesPerSecond ? (sending.size - sending.offset) / sending.bytesPerSecond : null;
  return (
    <Panel label={`Upload of ${file.filename}`}>
      <Group justify="space-between" gap={8}>
        <Text fw={600}><bdi>{file.filename}</bdi></Text>
        <Group gap={8}>
          <Text size="xs" c="dimmed">
            {formatBytes(sending.offset)}/{formatBytes(sending.size)}
            {sending.state === "sending" && sending.bytesPerSecond !== null && ` · ${formatBytes(sending.bytesPerSecond)}/s · ${formatDuration(left)} left`}
          </Text>
          {(sending.state === "sending" || sending.state === "waiting") && <Button variant="default" size="compact-xs" onClick={file.pause}>Pause</Button>}
          {sending.state === "paused" && <Button size="compact-xs" onClick={file.resume}>Go on</Button>}
          {sending.state === "failed" && file.upload && <Button size="compact-xs" onClick={file.resume}>Retry</Button>}
          <Button variant="subtle" size="compact-xs" onClick={file.discard}>Discard</Button>
        </Group>
      </Group>
      <Progress value={sending.size === 0 ? 100 : (100 * sending.offset) / sending.size} size={4} mt={8} aria-label="Sent" color={sending.state === "failed" ? "var(--ls-bad)" : sending.state === "paused" ? "var(--ls-paused)" : undefined} />
      {sending.message && <Text size="xs" mt={4} c={sending.state === "failed" ? "var(--ls-bad)" : "var(--ls-warn)"} role="status">{sending.message}</Text>}
    </Panel>
  );
}
