/** Where a trial's answers come from, as the address and the form hold it, and as the API takes it. */

import type { Dataset, RunSummary, TrialSource } from "@/api/shapes";

export type On = "text" | "rows" | "rollouts";
export interface SourceSearch { on?: On; set?: string; split?: string; answers?: "reference"; run?: string; step?: number; count?: number; model?: string; term?: string }
export interface Pasted { prompt: string; reference: string; answers: string[] }

export const EMPTY_PASTE: Pasted = { prompt: "", reference: "", answers: ["", ""] };

/** How many rows or prompts are taken where nobody says: few beside the editor, more on a page of their own. */
export function usual(all: boolean): number {
  return all ? 200 : 20;
}

/** What to ask with; null while something is still to be chosen. `all` takes more than the 20 samples of the editor. */
export function sourceOf(search: SourceSearch, pasted: Pasted, all = false): TrialSource | null {
  const limit = search.count ?? usual(all);
  switch (search.on ?? "text") {
    case "text": {
      const answers = pasted.answers.filter((answer) => answer.trim() !== "");
      return answers.length > 0 ? { kind: "text", prompts: [{ prompt: pasted.prompt, reference: pasted.reference === "" ? null : pasted.reference, answers }] } : null;
    }
    case "rows":
      return search.set ? { kind: "rows", version_id: search.set, split: search.split ?? "train", limit, answers: search.answers ?? "own" } : null;
    case "rollouts":
      return search.run ? { kind: "rollouts", run_id: search.run, step: search.step ?? null, limit } : null;
  }
}

/** What a person looks at first: the newest run that has written answers, else rows, else text of their own. */
export function firstSource(runs: RunSummary[], sets: Dataset[]): SourceSearch {
  const run = runs.find((one) => one.kind === "train" && one.step > 0 && one.metrics.reward !== undefined);
  if (run) return { on: "rollouts", run: run.id };
  const set = sets.find((one) => one.latest?.state === "ready" && (one.kind === "preference" || one.kind === "demonstration" || one.kind === "unpaired"));
  if (set?.latest) return { on: "rows", set: set.latest.id, split: set.latest.splits[0]?.name };
  return { on: "text" };
}
