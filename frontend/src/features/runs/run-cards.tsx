import type { RunSummary } from "@/api/shapes";
import { formatNumber } from "@/ui/numbers";
import { runLook } from "@/ui/run-states";
import { StateBadge } from "@/ui/state-badge";
import { mainMetric } from "./columns";
import { RunProgress } from "./run-cell";
import { RunName } from "./run-name";
import classes from "./run-cards.module.css";

/** The table on a phone: name and state, progress, the main number. */
export function RunCards({ runs }: { runs: RunSummary[] }) {
  return (
    <ul className={classes.cards}>
      {runs.map((run) => {
        const metric = mainMetric(run);
        return (
          <li key={run.id} className={classes.card}>
            <div className={classes.line}><RunName run={run} /><StateBadge look={runLook(run)} /></div>
            <div className={classes.line}><RunProgress run={run} /><span className={classes.metric}>{metric ? `${metric} ${formatNumber(run.metrics[metric])}` : run.method}</span></div>
          </li>
        );
      })}
    </ul>
  );
}
