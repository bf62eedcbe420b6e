import type { RecipeStage, StageState } from "@/api/shapes";

const FIRST: StageState[] = ["failed", "waits_for_people", "running", "cancelled"];

/** The stage that a person most likely came to see: what went wrong, what waits for them, what runs, else the last one done. */
export function telling(stages: Pick<RecipeStage, "name" | "state">[]): string | undefined {
  for (const state of FIRST) {
    const found = stages.find((stage) => stage.state === state);
    if (found) return found.name;
  }
  return (stages.findLast((stage) => stage.state === "succeeded" || stage.state === "reused") ?? stages[0])?.name;
}
