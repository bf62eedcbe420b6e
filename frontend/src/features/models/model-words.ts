import type { Model } from "@/api/shapes";

/** "language model", "reward model", "adapter": what one can do with it. */
export function kindText(model: Pick<Model, "kind" | "is_adapter" | "adapter_kind">): string {
  return `${model.kind === "reward" ? "reward model" : "language model"}${model.is_adapter ? `, ${adapterText(model.adapter_kind)}` : ""}`;
}

const ADAPTERS: Record<string, string> = {
  lora: "LoRA", rslora: "rsLoRA", dora: "DoRA", adalora: "AdaLoRA", curlora: "CURLoRA", ia3: "IA³", prefix_tuning: "prefix", bottleneck: "bottleneck",
};

/** "LoRA adapter"; an older one, whose kind was not looked at, is just an adapter. */
function adapterText(kind: string): string {
  return kind ? `${ADAPTERS[kind] ?? kind.replaceAll("_", " ")} adapter` : "adapter";
}

/** Where a model came from, in a few words. */
export function sourceText(model: Pick<Model, "source" | "hub_name" | "step">): string {
  if (model.source === "hub") return `Hub: ${model.hub_name}`;
  if (model.source === "run") return model.step === null ? "a run" : `a run, step ${model.step}`;
  if (model.source === "merge") return "a merged adapter";
  return model.source === "demo" ? "made here" : "a directory";
}
