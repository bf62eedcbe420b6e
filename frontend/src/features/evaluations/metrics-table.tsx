import type { Interval } from "@/api/shapes";
import { formatNumber } from "@/ui/numbers";
import classes from "./evaluations.module.css";
import { bounds, metricTitle } from "./words";

/** Every metric with its interval, as numbers and, for shares, as a bar. */
export function MetricsTable({ metrics, primary }: { metrics: Record<string, Interval>; primary: string }) {
  const names = Object.keys(metrics).toSorted((a, b) => Number(b === primary) - Number(a === primary) || a.localeCompare(b));
  return (
    <div>
      <table className={`${classes.table} ${classes.figures}`}>
        <thead><tr><th scope="col">Metric</th><th scope="col">Value</th><th scope="col">95 % interval</th><th scope="col">Items</th><th scope="col"><span className={classes.muted}>0 to 1</span></th></tr></thead>
        <tbody>
          {names.map((name) => {
            const found = metrics[name];
            if (!found) return null;
            return (
              <tr key={name}>
                <th scope="row">{metricTitle(name)}</th>
                <td>{formatNumber(found.value, 3)}</td>
                <td>{bounds(found)} <span className={classes.muted}>{found.method}</span></td>
                <td>{found.n.toLocaleString("en")}</td>
                <td>{isShare(found) ? <IntervalBar found={found} /> : null}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function isShare(found: Interval): boolean {
  return found.value !== null && found.low !== null && found.high !== null && found.low >= 0 && found.high <= 1;
}

function IntervalBar({ found }: { found: Interval }) {
  const share = (value: number | null): string => `${(value ?? 0) * 100}%`;
  return (
    <div className={classes.bar} aria-hidden>
      <i style={{ left: share(found.low), width: share((found.high ?? 0) - (found.low ?? 0)) }} />
      <b style={{ left: `calc(${share(found.value)} - 1px)` }} />
    </div>
  );
}
