import { formatNumber } from "@/ui/numbers";
import classes from "./chart.module.css";
import { boundsAt, ROWS, type Curve } from "./curve";
import { intervalText, readingText } from "./unit";

const MOST = 200;

/** The chart's numbers for readers who do not see it: the newest rows first, at most two hundred. */
export function CurveTable({ curves, unit, data, axis }: { curves: Curve[]; unit?: string; data: ArrayLike<ArrayLike<number | null | undefined>>; axis: string }) {
  const xs = Array.from((data[0] ?? []) as ArrayLike<number>);
  const rows = xs.map((x, index) => ({ x, index })).slice(-MOST).reverse();
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard
    <div className={classes.table} tabIndex={0} role="region" aria-label="Values as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">{axis}</th>
            {curves.map((curve) => <th scope="col" key={curve.id}>{curve.label}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ x, index }) => (
            <tr key={x}>
              <td>{formatNumber(x, 6)}</td>
              {curves.map((curve, at) => <td key={curve.id}>{readingText(data[at * ROWS + 1]?.[index], unit)}{curve.interval ? intervalText(boundsAt(data, at, index), unit) : ""}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
