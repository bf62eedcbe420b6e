import type { MethodCard } from "@/api/shapes";
import table from "@/ui/table.module.css";
import classes from "./methods.module.css";

const BETTER = { up: "higher is better", down: "lower is better", none: "" } as const;

/** The curves a run of the method draws. */
export function CurvesTable({ metrics }: { metrics: MethodCard["metrics"] }) {
  return (
    // Scrolls sideways where it is wider than the screen, so the keyboard must reach it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={`${table.sideways} ${classes.wide}`} tabIndex={0} role="group" aria-label="Table of curves">
      <table className={table.table}>
        <thead><tr><th scope="col">Curve</th><th scope="col">Panel</th><th scope="col">What it shows</th></tr></thead>
        <tbody>
          {metrics.map((metric) => (
            <tr key={metric.name}>
              <td>{metric.title}<div><code className={classes.value}>{metric.name}</code></div></td>
              <td>{metric.panel}</td>
              <td>{[metric.help, metric.unit && `In ${metric.unit}.`].filter(Boolean).join(" ")}{BETTER[metric.better] ? <div className={classes.quiet}>{BETTER[metric.better]}</div> : null}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
