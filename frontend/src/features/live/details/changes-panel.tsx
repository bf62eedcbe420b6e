import { Text } from "@mantine/core";
import { Panel } from "@/ui/panel";
import { useFeedState, useRun } from "../run-context";
import classes from "./details.module.css";

/** What was changed while the run went. */
export function ChangesPanel() {
  const { feed } = useRun();
  const changes = useFeedState(feed).view.marks.filter((mark) => mark.kind === "change");
  return (
    <Panel title="Live changes" flush={changes.length > 0}>
      {changes.length === 0 && <Text c="dimmed">None. L sets a field while the run goes.</Text>}
      {changes.length > 0 && (
        <table className={classes.table}>
          <tbody>{changes.map((mark) => <tr key={mark.cursor}><td className={classes.muted}>step {mark.step}</td><td className={classes.value}>{mark.text}</td></tr>)}</tbody>
        </table>
      )}
    </Panel>
  );
}
