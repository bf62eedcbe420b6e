import { ActionIcon, Progress, Tooltip } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { controlRun } from "@/api/runs";
import type { RunSummary } from "@/api/shapes";
import { formatCount, formatDuration, formatNumber, formatShare } from "@/ui/numbers";
import { runLook } from "@/ui/run-states";
import { StateBadge } from "@/ui/state-badge";
import { RunDot } from "@/ui/run-dot";
import { toastError } from "@/ui/toasts";
import classes from "./run-line.module.css";

/** A run in one line: state, name, how far, its main number, and one action. */
export function RunLine({ run, canEdit, aside }: { run: RunSummary; canEdit: boolean; aside?: ReactNode }) {
  const share = run.total ? run.step / run.total : null;
  return (
    <li className={classes.line}>
      <StateBadge look={runLook(run)} />
      <Link to="/p/$projectId/runs/$runId/curves" params={{ projectId: run.project_id, runId: run.id }} className={classes.name}><RunDot slot={run.colour} /> {run.name}</Link>
      <span className={classes.words}>{wordsOf(run)}</span>
      {run.state === "running" && share !== null ? <Progress className={classes.bar} value={share * 100} size={4} color="var(--ls-live)" aria-label={`${formatShare(share, 0)} done`} /> : null}
      <span className={classes.aside}>{aside ?? (canEdit ? <PauseButton run={run} /> : null)}</span>
    </li>
  );
}

function wordsOf(run: RunSummary): string {
  if (run.state === "failed") return run.failure ? run.failure.message : "failed";
  if (run.state === "queued") return `Waiting for ${run.waiting_for || "a worker"}`;
  if (run.state === "starting") return run.doing || "starting";
  const parts = [run.total ? `${formatShare(run.step / run.total, 0)}` : `step ${formatCount(run.step)}`];
  const reward = run.metrics.reward ?? run.metrics.loss;
  if (reward !== undefined) parts.push(`${run.metrics.reward === undefined ? "loss" : "reward"} ${formatNumber(reward, 3)}`);
  if (run.state === "running" && run.eta_seconds !== null) parts.push(`${formatDuration(run.eta_seconds)} left`);
  return parts.join(" · ");
}

function PauseButton({ run }: { run: RunSummary }) {
  const paused = run.state === "paused";
  const control = useMutation({ mutationFn: () => controlRun(run.id, { type: paused ? "resume" : "pause" }), onError: (error) => toastError(error) });
  if (run.state !== "running" && !paused) return null;
  const label = paused ? `Resume ${run.name}` : `Pause ${run.name}`;
  return (
    <Tooltip label={paused ? "Resume" : "Pause"}>
      <ActionIcon aria-label={label} loading={control.isPending} onClick={() => control.mutate()}>{paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}</ActionIcon>
    </Tooltip>
  );
}
