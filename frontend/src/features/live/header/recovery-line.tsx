import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { checkpointsQuery, historyQuery } from "@/api/run";
import type { Run } from "@/api/shapes";
import { isActive } from "@/ui/run-states";
import { recoveryText } from "./recovery";

/** After a crash, as long as the run goes on: what happened, and from where it starts again. */
export function RecoveryLine({ run }: { run: Run }) {
  const again = isActive(run.state) && (run.attempt > 1 || run.attempts.some((attempt) => attempt.state === "ended"));
  const history = useQuery({ ...historyQuery(run.id), enabled: again });
  const checkpoints = useQuery({ ...checkpointsQuery(run.id), enabled: again });
  const { refetch } = history;
  useEffect(() => {
    if (again) void refetch();
  }, [again, refetch, run.state, run.attempt]);
  const text = again && history.data && checkpoints.data ? recoveryText(run, history.data, checkpoints.data) : "";
  return text ? <span role="status" style={{ color: "var(--ls-warn)", fontWeight: 600, overflowWrap: "anywhere" }}>{text}</span> : null;
}
