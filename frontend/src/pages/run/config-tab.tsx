import { getRouteApi } from "@tanstack/react-router";
import { AttemptsPanel } from "@/features/live/details/attempts-panel";
import { ChangesPanel } from "@/features/live/details/changes-panel";
import { ConfigTable } from "@/features/live/details/config-table";
import classes from "@/features/live/details/details.module.css";
import { DiffPanel } from "@/features/live/details/diff-panel";
import { HistoryPanel } from "@/features/live/details/history-panel";
import { NotesPanel } from "@/features/live/details/notes-panel";
import { ProvenancePanel } from "@/features/live/details/provenance-panel";
import { SpecPanel } from "@/features/live/details/spec-panel";
import { useRun } from "@/features/live/run-context";

const route = getRouteApi("/signed-in/p/$projectId/runs/$runId/config");

/** What the run was told, and what became of it. */
export function ConfigTab() {
  const { run, method } = useRun();
  const { diff } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <div className={classes.columns}>
      <div className={classes.stack}>
        <DiffPanel run={run} other={diff} onOther={(other) => void navigate({ search: { diff: other }, replace: true })} />
        <ConfigTable run={run} method={method} />
        <SpecPanel run={run} />
      </div>
      <div className={classes.stack}>
        <NotesPanel />
        <ChangesPanel />
        <ProvenancePanel run={run} />
        <AttemptsPanel run={run} />
        <HistoryPanel run={run} />
      </div>
    </div>
  );
}
