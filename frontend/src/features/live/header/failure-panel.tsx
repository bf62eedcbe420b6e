import { Button, Group, Text } from "@mantine/core";
import type { Run } from "@/api/shapes";
import { allowed } from "./run-controls";
import classes from "./run-header.module.css";
import type { RunDeeds } from "./use-run-deeds";

/** What went wrong, the last good step, and what to do next. */
export function FailurePanel({ run, lastCheckpoint, deeds, canEdit, onClone }: {
  run: Run; lastCheckpoint: number | null; deeds: RunDeeds; canEdit: boolean; onClone: () => void;
}) {
  if (run.state !== "failed" || !run.failure) return null;
  const { code, message, remedy, step } = run.failure;
  const retry = allowed(run, "retry", canEdit);
  return (
    <div className={classes.failure} role="alert">
      <div>
        <Text fw={600}>{message}</Text>
        {remedy && <Text mt={2}>{remedy}</Text>}
        <Text size="xs" c="dimmed" mt={4}>
          {code}{step !== null && ` · failed at step ${step}`} · {lastCheckpoint === null ? "no checkpoint kept" : `last checkpoint at step ${lastCheckpoint}`} · try {run.attempt}
        </Text>
      </div>
      {canEdit && <Group gap={8}>
        <Button disabled={!retry.ok} title={retry.why} loading={deeds.busy === "retry"} onClick={() => void deeds.retry()}>
          {lastCheckpoint === null ? "Retry from the start" : `Resume from ${lastCheckpoint}`}
        </Button>
        <Button variant="default" onClick={onClone}>Clone with changes</Button>
      </Group>}
    </div>
  );
}
