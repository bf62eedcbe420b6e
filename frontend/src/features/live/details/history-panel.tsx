import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { historyQuery } from "@/api/run";
import type { Run } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import classes from "./details.module.css";

/** Every change of the run's state: when, by whom, why. */
export function HistoryPanel({ run }: { run: Run }) {
  const query = useQuery(historyQuery(run.id));
  const { refetch } = query;
  useEffect(() => void refetch(), [refetch, run.state, run.attempt]);
  return (
    <Panel title="History" flush>
      {query.isError && <FailedState error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <div style={{ padding: 12 }}><LoadingState rows={3} height={16} /></div>}
      <table className={classes.table} style={{ overflowWrap: "anywhere" }}>
        <tbody>
          {query.data?.map((entry, index) => (
            <tr key={index}>
              <td className={classes.muted}><Time at={entry.time} /></td>
              <td>{entry.from ? `${entry.from} → ${entry.to}` : entry.to}{entry.reason && <div className={classes.muted}>{entry.reason}</div>}</td>
              <td className={classes.muted}>{entry.by}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
