import { Button, Group, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { explain, Problem } from "@/api/problem";
import classes from "./panel.module.css";

/** One panel failed: the sentence, Retry, and the request id to name when asking for help. */
export function FailedState({ error, onRetry, what }: { error: unknown; onRetry?: () => void; what?: string }) {
  const requestId = error instanceof Problem ? error.requestId : null;
  return (
    <div className={classes.failed} role="alert">
      <IconAlertTriangle size={16} aria-hidden color="var(--ls-bad)" />
      <div>
        <Text>{what ? `${what}: ` : ""}{explain(error)}</Text>
        <Group gap={12} mt={4}>
          {onRetry ? <Button variant="default" size="compact-sm" onClick={onRetry}>Retry</Button> : null}
          {requestId ? <Text size="xs" c="dimmed" ff="monospace">request {requestId}</Text> : null}
        </Group>
      </div>
    </div>
  );
}
