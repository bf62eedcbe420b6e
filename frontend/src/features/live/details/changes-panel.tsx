import { Button, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { formatNumber } from "@/ui/numbers";
import { Panel } from "@/ui/panel";
import { allowed } from "../header/run-controls";
import { useRunDeeds } from "../header/use-run-deeds";
import { useFeedState, useRun } from "../run-context";
import type { Mark } from "../run-view";
import classes from "./details.module.css";

/** What was changed while the run went; the newest change of a field can be taken back. */
export function ChangesPanel() {
  const { run, feed, canEdit } = useRun();
  const deeds = useRunDeeds(run);
  const changes = useFeedState(feed).view.marks.filter((mark) => mark.kind === "change");
  const may = allowed(run, "set", canEdit);
  const undo = ({ change }: Mark) => {
    if (change && change.old !== null) void deeds.set(change.field, change.old);
  };
  const clone = (
    <Button size="compact-xs" variant="default" renderRoot={(props) => <Link to="/p/$projectId/runs/new" params={{ projectId: run.project_id }} search={{ from: run.id, live: true as const }} {...props} />}>
      Clone as changed
    </Button>
  );
  return (
    <Panel title="Live changes" flush={changes.length > 0} actions={canEdit && changes.length > 0 ? clone : undefined}>
      {changes.length === 0 && <Text c="dimmed">{canEdit ? "None. L sets a field while the run goes." : "None."}</Text>}
      {changes.length > 0 && (
        <table className={classes.table}>
          <tbody>
            {changes.map((mark, index) => (
              <tr key={mark.cursor}>
                <td className={classes.muted}>step {mark.step}</td>
                <td className={classes.value}>{mark.text}</td>
                <td className={classes.number}>
                  {may.ok && mark.change && mark.change.old !== null && isNewest(changes, index) ? (
                    <Button size="compact-xs" variant="subtle" title={`Set ${mark.change.field} to ${formatNumber(mark.change.old)}`} aria-label={`Undo ${mark.text}`} onClick={() => undo(mark)}>Undo</Button>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function isNewest(changes: Mark[], index: number): boolean {
  return !changes.slice(index + 1).some((later) => later.change?.field === changes[index]?.change?.field);
}
