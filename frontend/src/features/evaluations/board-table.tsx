import { Button, Checkbox, Table } from "@mantine/core";
import { IconStar } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { EvaluationBoard } from "@/api/shapes";
import { formatCount } from "@/ui/numbers";
import classes from "./evaluations.module.css";
import { metricTitle, shortInterval } from "./words";

interface Props { projectId: string; board: EvaluationBoard; rows: EvaluationBoard["rows"]; picked: string[]; onPick: (modelId: string) => void }

/** Models by suites, each the newest value with its interval; of two picked models the second is compared with the first. */
export function BoardTable({ projectId, board, rows, picked, onPick }: Props) {
  const chosen = picked.flatMap((id) => board.rows.filter((row) => idOf(row) === id));
  const shared = chosen.length === 2 ? board.suites.filter((suite) => chosen.every((row) => row.cells[suite.key])) : [];
  return (
    <>
      {chosen.length > 0 ? (
        <div style={{ display: "flex", gap: 8, padding: 8, flexWrap: "wrap", alignItems: "center" }}>
          <span>{chosen.map((row) => row.model_name).join(" and ")}</span>
          {shared.map((suite) => (
            <Button
              key={suite.key} size="compact-sm"
              renderRoot={(root) => <Link to="/p/$projectId/evals/$evaluationId" params={{ projectId, evaluationId: chosen[1]?.cells[suite.key]?.evaluation_id ?? "" }} search={{ against: chosen[0]?.cells[suite.key]?.evaluation_id }} {...root} />}
            >Compare on {suite.apart ? `${suite.name}, ${suite.apart}` : suite.name}</Button>
          ))}
          {chosen.length === 1 ? <span className={classes.muted}>Pick one more to compare.</span> : null}
          {chosen.length === 2 && shared.length === 0 ? <span className={classes.muted}>They share no suite. Evaluate both on the same data.</span> : null}
          {chosen.length > 2 ? <span className={classes.muted}>Pick two to compare; an evaluation's page sets one against all.</span> : null}
        </div>
      ) : board.rows.length > 1 ? <div className={classes.muted} style={{ padding: 8 }}>Tick two models to compare them; open a figure for its items.</div> : null}
      <Table.ScrollContainer minWidth={480}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Model</th>
              {board.suites.map((suite) => <th key={suite.key} scope="col" title={`${suite.data_name} · ${suite.split}`}>{suite.name}<br />{metricTitle(suite.primary)}{suite.apart ? <><br /><span className={classes.muted}>{suite.apart}</span></> : null}</th>)}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={idOf(row)}>
                <th scope="row"><Checkbox size="xs" label={row.model_name} checked={picked.includes(idOf(row))} onChange={() => onPick(idOf(row))} /></th>
                {board.suites.map((suite) => {
                  const cell = row.cells[suite.key];
                  return (
                    <td key={suite.key}>
                      {cell ? (
                        <Link to="/p/$projectId/evals/$evaluationId" params={{ projectId, evaluationId: cell.evaluation_id }} className="ls-link">
                          {shortInterval(cell.value)} {cell.best ? <IconStar size={12} aria-label="best of this suite" /> : null}
                        </Link>
                      ) : "–"}
                      {cell ? <span className={classes.muted}> n={formatCount(cell.value.n)}{cell.partial ? ", stopped early" : ""}</span> : null}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Table.ScrollContainer>
    </>
  );
}

function idOf(row: EvaluationBoard["rows"][number]): string {
  return row.model_id || row.model_name;
}
