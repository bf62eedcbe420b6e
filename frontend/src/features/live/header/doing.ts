import type { Run } from "@/api/shapes";
import type { RunView } from "../run-view";

/** What the run does this moment, in words it can stand by; empty when there is nothing to say. */
export function doingLine(run: Run, view: RunView): string {
  switch (run.state) {
    case "draft":
      return "A draft: not launched yet.";
    case "queued":
      return run.waiting_for ? `Waiting for ${run.waiting_for}.` : "Waiting for a worker to claim it.";
    case "starting":
      return view.doing ? `Doing: ${view.doing}` : "A worker has claimed it and starts the engine.";
    case "running":
      return view.doing ? `Doing: ${view.doing}` : workingOn(view, run.total ?? view.total);
    case "paused":
      return `Paused at step ${view.step}; the model stays loaded.`;
    case "succeeded":
      if (run.total !== null && view.step < run.total) return `Stopped at ${run.kind === "train" ? "step " : ""}${view.step} of ${run.total}.`;
      return run.kind === "train" ? `Finished after ${view.step} steps.` : `Finished, ${view.step} items done.`;
    case "cancelled":
      return `Cancelled at step ${view.step}.`;
    case "failed":
      return "";
  }
}

/** Between two events the engine is in the step after the last one told. */
function workingOn(view: RunView, total: number | null): string {
  return view.step > 0 && (total === null || view.step < total) ? `Working on step ${view.step + 1}` : "";
}

/** Share of the plan that is done, 0 to 1; null when the plan has no length. */
export function share(step: number, total: number | null): number | null {
  return total ? Math.min(1, step / total) : null;
}
