import type { Model } from "@/api/shapes";

/** Where a model came from, in a few words. */
export function sourceText(model: Pick<Model, "source" | "hub_name" | "step">): string {
  if (model.source === "hub") return `Hub: ${model.hub_name}`;
  if (model.source === "run") return model.step === null ? "a run" : `a run, step ${model.step}`;
  if (model.source === "merge") return "a merged adapter";
  return model.source === "demo" ? "made here" : "a directory";
}
