import { runLineageQuery } from "@/api/lineage";
import { LineagePanel } from "@/features/lineage/lineage-panel";
import { useRun } from "@/features/live/run-context";

/** Where the run comes from and what became of it. */
export function LineageTab() {
  const { run } = useRun();
  return <LineagePanel projectId={run.project_id} here={run.id} query={runLineageQuery(run.id)} />;
}
