import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { newKey } from "@/api/http";
import { type FieldError, Problem } from "@/api/problem";
import { launchRun } from "@/api/runs";
import type { RunDraft } from "@/api/shapes";
import { saveDraft } from "@/features/new-run/use-draft";
import { toastError } from "@/ui/toasts";

/** Launches the draft once, however often the button is pressed, and opens the run. */
export function useLaunch(projectId: string, draft: RunDraft, text: string): { launch: () => void; launching: boolean; errors: FieldError[] } {
  const client = useQueryClient();
  const navigate = useNavigate();
  const key = useRef(newKey());
  const mutation = useMutation({
    mutationFn: () => launchRun(projectId, draft, key.current),
    onSuccess: async (run) => {
      saveDraft(projectId, "");
      void client.invalidateQueries({ queryKey: ["runs", projectId] });
      await navigate({ to: "/p/$projectId/runs/$runId/curves", params: { projectId, runId: run.id } });
    },
    onError: (error) => {
      key.current = newKey();
      if (!(error instanceof Problem) || error.errors.length === 0) toastError(error, "The run was not launched");
    },
  });
  const { reset } = mutation;
  useEffect(() => {
    key.current = newKey();
    reset();
  }, [text, reset]);
  return {
    launch: () => (mutation.isPending ? undefined : mutation.mutate()),
    launching: mutation.isPending,
    errors: mutation.error instanceof Problem ? mutation.error.errors : [],
  };
}
