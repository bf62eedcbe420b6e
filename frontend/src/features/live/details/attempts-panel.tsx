import type { Run } from "@/api/shapes";
import { Panel } from "@/ui/panel";
import { Time } from "@/ui/time";
import classes from "./details.module.css";

/** Who executed the run, how often, and why each try ended. */
export function AttemptsPanel({ run }: { run: Run }) {
  if (run.attempts.length === 0) return null;
  return (
    <Panel title="Tries" flush>
      <table className={classes.table} style={{ overflowWrap: "anywhere" }}>
        <tbody>
          {run.attempts.map((attempt) => (
            <tr key={attempt.number}>
              <td>{attempt.number}</td>
              <td className={classes.muted}>{attempt.owner}</td>
              <td className={classes.muted}><Time at={attempt.started_at} /></td>
              <td>{attempt.ended_at ? [attempt.exit, attempt.cause].filter(Boolean).join(": ") || "ended" : "at work"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
