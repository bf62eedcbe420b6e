import { Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { DatasetVersion } from "@/api/shapes";
import { Panel } from "@/ui/panel";
import classes from "./data.module.css";
import { FaultList } from "./fault-list";

/** What reading the file found: kept, left out, doubled; each finding leads to its rows. */
export function ReportPanel({ projectId, version }: { projectId: string; version: DatasetVersion }) {
  const report = version.report;
  if (!report) return null;
  const read = report.rows_read === null ? "" : `${report.rows_read.toLocaleString("en")} rows read, `;
  return (
    <Panel title={`Reading report: ${read}${report.rows_kept.toLocaleString("en")} kept`}>
      {report.warnings.length === 0 && report.faults.length === 0 && <Text c="var(--ls-ok)">Nothing to complain about.</Text>}
      <ul className={classes.faults}>
        {report.warnings.map((warning) => (
          <li key={warning.code}>
            <span className={classes.name}>{warning.count.toLocaleString("en")} rows</span>
            <span>
              {warning.message}{" "}
              {warning.rows.length > 0 && <Text span size="xs" c="dimmed">lines {warning.rows.slice(0, 8).map((line) => line.toLocaleString("en")).join(", ")}{warning.count > 8 && " …"}</Text>}
            </span>
          </li>
        ))}
      </ul>
      {report.faults.length > 0 && <FaultList faults={report.faults} />}
      <Text size="xs" mt={8}><Link to="/p/$projectId/data/$datasetId/v/$version/$tab" params={{ projectId, datasetId: version.dataset_id, version: String(version.number), tab: "rows" }} style={{ color: "var(--ls-accent)" }}>Look at the rows that were kept</Link></Text>
    </Panel>
  );
}
