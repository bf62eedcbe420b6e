import { Button, Group, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { Panel } from "@/ui/panel";
import { useRunDeeds } from "../header/use-run-deeds";
import { useRun } from "../run-context";

/** Free words about the run. */
export function NotesPanel() {
  const { run, canEdit } = useRun();
  const deeds = useRunDeeds(run);
  const [notes, setNotes] = useState(run.notes);
  return (
    <Panel title="Notes">
      {!canEdit && <Text style={{ whiteSpace: "pre-wrap" }} c={run.notes ? undefined : "dimmed"}>{run.notes || "None."}</Text>}
      {canEdit && (
        <>
          <Textarea aria-label="Notes" autosize minRows={2} maxRows={12} value={notes} onChange={(event) => setNotes(event.currentTarget.value)} placeholder="What this run is for, what came out" />
          {notes !== run.notes && <Group mt={8} gap={8}><Button loading={deeds.busy === "note"} onClick={() => void deeds.note(notes)}>Save notes</Button><Button variant="subtle" onClick={() => setNotes(run.notes)}>Discard</Button></Group>}
        </>
      )}
    </Panel>
  );
}
