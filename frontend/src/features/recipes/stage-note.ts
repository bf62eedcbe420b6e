import type { RecipeStage } from "@/api/shapes";
import { formatDuration } from "@/ui/numbers";
import { KINDS } from "./stage-looks";

/** What a node says below its state: how far the run is, what is waited for, or what kind of stage it is. `all` gives the stages waited for their titles. */
export function stageNote(stage: Pick<RecipeStage, "kind" | "state" | "run" | "waits_for" | "failure">, all: { name: string; title: string }[] = []): string {
  if (stage.state === "failed") return stage.failure?.message ?? "failed";
  if (stage.state === "running" && stage.run) return runNote(stage.run);
  if (stage.state === "waiting" && stage.waits_for.length > 0) return `after ${stage.waits_for.map((name) => all.find((one) => one.name === name)?.title ?? name).join(", ")}`;
  return stage.run?.method ?? KINDS[stage.kind].word;
}

function runNote(run: NonNullable<RecipeStage["run"]>): string {
  if (run.waiting_for) return `waits for ${run.waiting_for}`;
  const far = run.total ? `${Math.floor((100 * run.step) / run.total)} %` : run.step > 0 ? `step ${run.step}` : run.doing || run.state;
  const eta = run.eta_seconds === null ? "" : ` · ETA ${formatDuration(run.eta_seconds)}`;
  return `${run.state === "paused" ? "paused · " : ""}${far}${eta}`;
}
