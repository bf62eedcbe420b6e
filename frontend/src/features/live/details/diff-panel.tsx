import { Button, Checkbox, Text } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { runQuery } from "@/api/runs";
import type { Run } from "@/api/shapes";
import { FailedState } from "@/ui/failed-state";
import { LoadingState } from "@/ui/loading-state";
import { Panel } from "@/ui/panel";
import { useRun } from "../run-context";
import { RunSelect } from "../run-select";
import { show } from "./flat-config";
import classes from "./details.module.css";
import { asYaml, runDifferences, type Difference } from "./run-difference";

/** This run beside another: only what differs, to copy or to take over into a clone. */
export function DiffPanel({ run, other, onOther }: { run: Run; other: string | undefined; onOther: (id: string | undefined) => void }) {
  const query = useQuery({ ...runQuery(other ?? ""), enabled: other !== undefined });
  return (
    <Panel title="Compare with" flush={query.data !== undefined} actions={<RunSelect run={run} value={other} label="Run to compare with" onRun={onOther} />}>
      {other === undefined && <Text c="dimmed">Pick a run to see in which settings, model, data and versions the two differ.</Text>}
      {query.isError && <FailedState error={query.error} onRetry={() => void query.refetch()} what="The other run" />}
      {other !== undefined && query.isPending && <LoadingState rows={3} height={16} />}
      {query.data && <DiffTable key={query.data.id} run={run} other={query.data} rows={runDifferences(run, query.data)} />}
    </Panel>
  );
}

function DiffTable({ run, other, rows }: { run: Run; other: Run; rows: Difference[] }) {
  const { canEdit } = useRun();
  const [picked, setPicked] = useState<string[]>([]);
  const clipboard = useClipboard();
  if (rows.length === 0) return <Text p={12}>Told the same, run with the same versions. The two differ in nothing but what chance and time bring.</Text>;
  const takeable = run.method === other.method;
  const parts = [...new Set(rows.flatMap((row) => (row.part && takeable ? [row.part] : [])))];
  const flip = (part: string): void => setPicked(picked.includes(part) ? picked.filter((one) => one !== part) : [...picked, part]);
  const chosen = picked.length > 0 ? rows.filter((row) => row.part && picked.includes(row.part)) : rows;
  return (
    <>
      <div className={classes.wrap}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col" className={classes.pick}><Checkbox size="xs" aria-label="Pick all" disabled={parts.length === 0} checked={parts.length > 0 && picked.length === parts.length} indeterminate={picked.length > 0 && picked.length < parts.length} onChange={() => setPicked(picked.length === parts.length ? [] : parts)} /></th>
              <th scope="col">key</th>
              <th scope="col">{run.name}</th>
              <th scope="col"><Link className={classes.runLink} to="/p/$projectId/runs/$runId/config" params={{ projectId: other.project_id, runId: other.id }}>{other.name}</Link></th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key}>
                <td className={classes.pick}>{row.part && takeable ? <Checkbox size="xs" aria-label={`Take ${row.key}`} checked={picked.includes(row.part)} onChange={() => flip(row.part ?? "")} /> : null}</td>
                <td className={classes.key}>{row.key}</td>
                <td className={classes.value}>{show(row.mine)}</td>
                <td className={classes.value}><strong>{show(row.theirs)}</strong></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className={classes.foot}>
        <Text size="xs" c="dimmed" flex={1}>{rows.length} {rows.length === 1 ? "difference" : "differences"}{takeable ? "" : "; settings of another method cannot be taken over"}</Text>
        <Button variant="default" size="compact-sm" onClick={() => clipboard.copy(asYaml(chosen))}>{clipboard.copied ? "Copied" : "Copy as YAML"}</Button>
        {canEdit && <Button
          size="compact-sm" variant="default" disabled={picked.length === 0} title={picked.length === 0 ? "Pick what to take over" : undefined}
          renderRoot={picked.length === 0 ? undefined : (props) => <Link to="/p/$projectId/runs/new" params={{ projectId: run.project_id }} search={{ from: run.id, take: other.id, keys: picked }} {...props} />}
        >
          {picked.length === 0 ? "Clone this run with…" : `Clone this run with ${picked.length} of theirs`}
        </Button>}
      </div>
    </>
  );
}
