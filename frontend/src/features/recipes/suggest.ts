import type { Dataset, DatasetChoice, Model, RecipeParam } from "@/api/shapes";

/** The data sets whose rows a parameter takes. */
export function fitting<T extends Pick<Dataset, "kind" | "latest">>(param: Pick<RecipeParam, "rows">, sets: T[]): T[] {
  return sets.filter((set) => set.latest?.state === "ready" && (param.rows.length === 0 || (set.kind !== null && param.rows.includes(set.kind))));
}

/** The split that a parameter is about, where the version has it. */
export function splitFor(param: Pick<RecipeParam, "split">, names: string[]): string {
  return names.find((name) => name === param.split) ?? names[0] ?? "train";
}

/** What to choose where there is but one to choose from: a required model or data set, so that one click starts the demo. */
export function suggest(param: RecipeParam, models: Pick<Model, "id" | "kind" | "state">[], sets: Pick<Dataset, "kind" | "latest">[]): string | DatasetChoice | null {
  if (param.optional) return null;
  if (param.kind === "model") {
    const fits = models.filter((model) => model.state === "ready" && model.kind === param.head);
    return fits.length === 1 ? (fits[0]?.id ?? null) : null;
  }
  if (param.kind !== "dataset") return null;
  const fits = fitting(param, sets);
  const version = fits.length === 1 ? fits[0]?.latest : undefined;
  return version ? { version_id: version.id, split: splitFor(param, version.splits.map((split) => split.name)) } : null;
}
