import { Link } from "@tanstack/react-router";
import type { RunSummary } from "@/api/shapes";
import { RunDot } from "@/ui/run-dot";
import classes from "./run-name.module.css";

export function RunName({ run }: { run: RunSummary }) {
  return (
    <Link to="/p/$projectId/runs/$runId/curves" params={{ projectId: run.project_id, runId: run.id }} className={classes.name}>
      <RunDot slot={run.colour} />
      <bdi title={run.name}>{run.name}</bdi>
    </Link>
  );
}
