import { useMediaQuery } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import type { Dataset } from "@/api/shapes";
import { formatBytes, formatCount } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { JOB_STATES } from "@/ui/run-states";
import { StateBadge } from "@/ui/state-badge";
import { Time } from "@/ui/time";
import classes from "./data.module.css";
import { KIND_WORDS } from "./mapping-fields";

/** The project's data sets by their newest version. */
export function DatasetTable({ projectId, datasets }: { projectId: string; datasets: Dataset[] }) {
  const narrow = useMediaQuery("(max-width: 768px)", window.innerWidth <= 768, { getInitialValueInEffect: false });
  if (narrow) return <DatasetCards projectId={projectId} datasets={datasets} />;
  return (
    <Panel flush label="Data sets">
      <div style={{ overflowX: "auto" }}>
        <table className={classes.table}>
          <thead>
            <tr><th scope="col">name</th><th scope="col">kind</th><th scope="col">version</th><th scope="col" className={classes.number}>rows</th><th scope="col" className={classes.number}>size</th><th scope="col">splits</th><th scope="col">made</th></tr>
          </thead>
          <tbody>
            {datasets.map((dataset) => (
              <tr key={dataset.id}>
                <td><Link className={classes.link} to="/p/$projectId/data/$datasetId" params={{ projectId, datasetId: dataset.id }}>{dataset.name}</Link></td>
                <td>{dataset.kind ? KIND_WORDS[dataset.kind] : "–"}</td>
                <td>{dataset.latest ? <>v{dataset.latest.number} {dataset.latest.state !== "ready" && <StateBadge look={JOB_STATES[dataset.latest.state]} />}</> : "–"}</td>
                <td className={classes.number}>{formatCount(dataset.latest?.rows)}</td>
                <td className={classes.number}>{formatBytes(dataset.latest?.splits.reduce((sum, split) => sum + split.size_bytes, 0))}</td>
                <td>{dataset.latest?.splits.map((split) => split.name).join(", ") || "–"}</td>
                <td><Time at={dataset.created_at} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

/** The table on a phone: name, kind, how many rows. */
function DatasetCards({ projectId, datasets }: { projectId: string; datasets: Dataset[] }) {
  return (
    <ul className={classes.cards} aria-label="Data sets">
      {datasets.map((dataset) => (
        <li key={dataset.id} className={classes.card}>
          <div><Link className={classes.link} to="/p/$projectId/data/$datasetId" params={{ projectId, datasetId: dataset.id }}>{dataset.name}</Link>{dataset.latest && dataset.latest.state !== "ready" && <StateBadge look={JOB_STATES[dataset.latest.state]} />}</div>
          <div className={classes.name}><span>{dataset.kind ? KIND_WORDS[dataset.kind] : "–"}</span><span>{dataset.latest ? `v${dataset.latest.number} · ${formatCount(dataset.latest.rows)} rows` : "–"}</span></div>
        </li>
      ))}
    </ul>
  );
}
