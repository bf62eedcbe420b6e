import { Table } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Comparison } from "@/api/shapes";
import { Panel } from "@/ui/panel";
import classes from "./evaluations.module.css";
import { bounds, pText, shortInterval, signed, VERDICTS } from "./words";

/** Every other model of the suite against this one; p is adjusted for how many are compared. */
export function AgainstAll({ projectId, comparisons, onCompare }: { projectId: string; comparisons: Comparison[]; onCompare: (id: string) => void }) {
  return (
    <Panel title="Others on this suite" flush>
      <Table.ScrollContainer minWidth={820}>
        <table className={classes.table}>
          <thead><tr>{["Model", "Value", "Difference to this one", "Verdict", "p, adjusted", "Items more", "Items"].map((title) => <th key={title} scope="col">{title}</th>)}</tr></thead>
          <tbody>
            {comparisons.map((one) => (
              <tr key={one.id}>
                <th scope="row"><Link to="/p/$projectId/evals/$evaluationId" params={{ projectId, evaluationId: one.id }} className="ls-link">{one.model_name}</Link></th>
                <td>{shortInterval(one.second)}</td>
                <td>{signed(one.difference.value)} {bounds(one.difference)}</td>
                <td>{VERDICTS[one.verdict]}</td>
                <td>{pText(one.adjusted_p)}</td>
                <td>{one.more_items === null ? "–" : `about ${one.more_items.toLocaleString("en")}`}</td>
                <td><button type="button" className="ls-link" style={{ background: "none", border: 0, padding: 0, minHeight: 24, cursor: "pointer", font: "inherit", color: "var(--ls-accent)" }} onClick={() => onCompare(one.id)}>Flipped items<span className="mantine-visually-hidden"> against {one.model_name}</span></button></td>
              </tr>
            ))}
          </tbody>
        </table>
      </Table.ScrollContainer>
    </Panel>
  );
}
