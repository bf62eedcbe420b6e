import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { controlRun, deleteRun, editRun, restoreRun, retryRun, runQuery, type ControlType } from "@/api/runs";
import type { Run } from "@/api/shapes";
import { toast, toastError, toastUndo } from "@/ui/toasts";

const DONE: Partial<Record<ControlType, string>> = {
  checkpoint: "A checkpoint is kept at the end of this step.",
  sample: "The next step writes its rollouts.",
};

/** What a person does to a run: each deed asks the server, takes its answer as the run's new state, says failures. */
export function useRunDeeds(run: Run) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [busy, setBusy] = useState<string | null>(null);

  const perform = async (name: string, ask: () => Promise<Run | undefined>): Promise<boolean> => {
    setBusy(name);
    try {
      const answer = await ask();
      if (answer) client.setQueryData(runQuery(run.id).queryKey, answer);
      return true;
    } catch (error) {
      toastError(error);
      return false;
    } finally {
      setBusy(null);
    }
  };

  return {
    busy,
    control: async (type: ControlType) => {
      const done = await perform(type, () => controlRun(run.id, type === "stop" ? { type, checkpoint: true } : { type }));
      const words = DONE[type];
      if (done && words) toast(words);
    },
    set: (field: string, value: number) => perform("set", () => controlRun(run.id, { type: "set", field, value })),
    retry: () => perform("retry", () => retryRun(run.id)),
    tag: (tags: string[]) => perform("tag", () => editRun(run.id, { tags })),
    rename: (name: string) => perform("rename", () => editRun(run.id, { name })),
    note: (notes: string) => perform("note", () => editRun(run.id, { notes })),
    restore: () => perform("restore", () => restoreRun(run.id)),
    remove: async () => {
      const done = await perform("delete", async () => {
        await deleteRun(run.id);
        return undefined;
      });
      if (!done) return;
      toastUndo(`Deleted ${run.name}. The bin keeps it for 30 days.`, () => void restoreRun(run.id).catch(toastError));
      await navigate({ to: "/p/$projectId/runs", params: { projectId: run.project_id } });
    },
  };
}

export type RunDeeds = ReturnType<typeof useRunDeeds>;
