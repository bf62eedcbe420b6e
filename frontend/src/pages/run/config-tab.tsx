import { AttemptsPanel } from "@/features/live/details/attempts-panel";
import { ChangesPanel } from "@/features/live/details/changes-panel";
import { ConfigTable } from "@/features/live/details/config-table";
import classes from "@/features/live/details/details.module.css";
import { HistoryPanel } from "@/features/live/details/history-panel";
import { NotesPanel } from "@/features/live/details/notes-panel";
import { ProvenancePanel } from "@/features/live/details/provenance-panel";
import { SpecPanel } from "@/features/live/details/spec-panel";
import { useRun } from "@/features/live/run-context";

/** What the run was told, and what became of it. */
export function ConfigTab() {
  const { run, method } = useRun();
  return (
    <div className={classes.columns}>
      <div className={classes.stack}>
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
