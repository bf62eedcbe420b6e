/** What of a project would do for a method's roles, when nobody has chosen. */

import type { DataNeed, Dataset, DatasetChoice, MethodCard, Model } from "@/api/shapes";
import { sortModels, unfit } from "./readiness";

type ModelNeed = MethodCard["models"][number];

/** Rows that came with the demo project. */
export function isDemoData(set: Pick<Dataset, "latest">): boolean {
  return set.latest?.source.demo === true;
}

/**
 * The data set a method begins with: people's own before the demo's, then by the order of the kinds it takes; own data the
 * newest first, the demo's as it was made, but for the `part` of its world that the method's demo is made for.
 */
export function fittingSet(need: DataNeed, sets: Dataset[], part = ""): Dataset | undefined {
  const fitting = sets.filter((set) => unfit(need, set) === null);
  const own = fitting.filter((set) => !isDemoData(set)).toSorted((a, b) => b.created_at.localeCompare(a.created_at));
  const demo = fitting.filter(isDemoData).toSorted((a, b) => a.created_at.localeCompare(b.created_at));
  const meant = demo.find((set) => part !== "" && set.latest?.source.part === part);
  if (own.length === 0 && meant) return meant;
  const pool = own.length > 0 ? own : demo;
  return need.kinds.map((kind) => pool.find((set) => set.kind === kind)).find((set) => set !== undefined);
}

/**
 * The model a role begins with: ready, of the first kind it takes, the newest; one that has no role yet before one that has.
 * Where a teacher is asked for, the student is the smallest and untrained before trained, the teacher the other way round.
 */
export function fittingModel(need: Pick<ModelNeed, "kinds" | "role">, models: Model[], taken: string[], taught = false): Model | undefined {
  const ready = sortModels(models).filter((model) => model.state === "ready" && !model.is_adapter);
  const ordered = taught ? ready.toSorted(need.role === "teacher" ? (a, b) => byLearning(b, a) : byLearning) : ready;
  const ofKinds = need.kinds.flatMap((kind) => ordered.filter((model) => model.kind === kind));
  return ofKinds.find((model) => !taken.includes(model.id)) ?? ofKinds[0];
}

/** Small before large, and among equals what nobody trained here before what a run left. */
function byLearning(a: Model, b: Model): number {
  const isTrained = (model: Model) => Number(model.source === "run" || model.source === "merge");
  return (a.parameters ?? 0) - (b.parameters ?? 0) || isTrained(a) - isTrained(b);
}

/** Whether the data chosen is known and does not fit. Of an older version nothing is known here; preflight says. */
export function knownUnfit(need: DataNeed, choice: DatasetChoice | undefined, sets: Dataset[]): boolean {
  const set = sets.find((one) => one.latest?.id === choice?.version_id);
  return set !== undefined && unfit(need, set) !== null;
}
