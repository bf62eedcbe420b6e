/** What a draft still lacks before it can be checked or launched, and small facts about its parts. */

import type { DataNeed, Dataset, DatasetChoice, MethodCard, Model, ModelKind, RecordKind, RunDraft, RewardTermCard, WorldCard } from "@/api/shapes";

export const KIND_WORDS: Record<RecordKind, string> = {
  text: "text",
  demonstration: "demonstrations",
  conversation: "conversations",
  prompt: "prompts",
  prompt_answer: "prompts with answers",
  preference: "pairs",
  ranking: "rankings",
  unpaired: "judged answers",
  stepwise: "judged steps",
};

/** "needs prompts with answers, and a reward": what the method takes, in words. */
export function needsText(card: Pick<MethodCard, "data" | "needs_reward">): string {
  const need = card.data.find((one) => one.required);
  const data = need ? kindsText(need.kinds) : "no data";
  return card.needs_reward ? `needs ${data}; and a reward` : `needs ${data}`;
}

/** Whether the form asks for a reward: because it must be there, or because it may. */
export function takesReward(card: Pick<MethodCard, "needs_reward" | "takes_reward">): boolean {
  return card.needs_reward || card.takes_reward;
}

/** "a, b or c". */
export function kindsText(kinds: RecordKind[]): string {
  const words = kinds.map((kind) => KIND_WORDS[kind]);
  return words.length > 1 ? `${words.slice(0, -1).join(", ")} or ${words.at(-1)}` : (words[0] ?? "");
}

/** The first things to choose, in the order of the form. Empty: the draft can be checked. */
export function missingParts(draft: RunDraft, card: MethodCard | undefined): string[] {
  if (!card) return [draft.method ? `\`${draft.method}\` is not a known method` : "a method"];
  const models = card.models.filter((need) => need.required && !draft.models[need.role]).map((need) => (need.role === "policy" ? "a model" : `a ${need.role} model`));
  const data = card.data.filter((need) => need.required && !draft.datasets[need.role]?.version_id).map((need) => (need.role === "train" ? "data" : `${need.role} data`));
  const reward = card.needs_reward && !draft.reward?.terms?.length && !draft.reward_version_id ? ["a reward"] : [];
  return [...models, ...data, ...reward];
}

/** Why a data set does not fit a need; null when it does. */
export function unfit(need: DataNeed, dataset: Pick<Dataset, "kind" | "latest">): string | null {
  if (!dataset.latest || dataset.latest.state !== "ready") return dataset.latest?.state === "refused" ? "refused" : "still being read";
  if (!dataset.kind || !need.kinds.includes(dataset.kind)) return `holds ${dataset.kind ? KIND_WORDS[dataset.kind] : "unknown rows"}`;
  return null;
}

/** The rows kept back for judging in the data set that is trained on, where there are some and the method can use them. */
export function heldOut(card: Pick<MethodCard, "data">, set: Pick<Dataset, "kind" | "latest"> | undefined): DatasetChoice | undefined {
  const need = card.data.find((one) => one.role === "eval");
  if (!need || !set?.latest || unfit(need, set) !== null) return undefined;
  const names = set.latest.splits.map((split) => split.name);
  const name = ["validation", "val", "valid", "dev", "eval", "test"].find((one) => names.includes(one));
  return name === undefined ? undefined : { version_id: set.latest.id, split: name };
}

/** What the evaluation becomes when another data set is trained on: it follows, unless it was chosen from elsewhere. */
export function followed(draft: RunDraft, held: DatasetChoice | undefined): DatasetChoice | undefined {
  const now = draft.datasets.eval;
  return now && now.version_id !== draft.datasets.train?.version_id ? now : held;
}

/** "GRPO", "SFT": the name people say, when the method's own begins with one. */
export function shortName(slug: string): string {
  const first = slug.split("-")[0] ?? "";
  return first.length <= 5 ? first.toUpperCase() : "";
}

/** Whether some data set of these would do for the method; the gallery sorts by it. */
export function fitsData(card: Pick<MethodCard, "data">, kind: RecordKind | null): boolean {
  return kind === null || card.data.some((need) => need.required && need.kinds.includes(kind));
}

/** A first reward for data with answers: numbers compared when that term exists, else the first that reads the answer. */
export function firstReward(cards: RewardTermCard[]): RunDraft["reward"] {
  const kind = ["numeric_match", "exact_match"].find((name) => cards.some((card) => card.kind === name)) ?? cards[0]?.kind;
  return kind ? { terms: [{ name: kind, kind, weight: 1, params: {} }], aggregate: "weighted_sum", on_nan: "refuse" } : null;
}

/** The reward that rows of a generated world are scored by; null for other rows, or a world whose rows carry their answers. */
export function worldReward(set: Pick<Dataset, "latest"> | undefined, worlds: Pick<WorldCard, "name" | "rewarded">[]): RunDraft["reward"] {
  const world = worlds.find((one) => one.name === set?.latest?.source.world);
  return world?.rewarded ? { terms: [{ name: "gold", kind: "world", weight: 1, params: {} }], aggregate: "weighted_sum", on_nan: "refuse" } : null;
}

/** The draft as preflight sees it: what does not change the check is left out, so equal checks are answered again. */
export function checkedPart(draft: RunDraft): RunDraft {
  return { ...draft, name: "", notes: "", tags: [], priority: 0, cloned_from: null, config_id: null };
}

/** What a role is called where people choose for it. */
export function roleTitle(role: string): string {
  if (role === "policy") return "Model";
  if (role === "policy_b") return "Second model";
  return `${role[0]?.toUpperCase() ?? ""}${role.slice(1).replaceAll("_", " ")} model`;
}

/** The role in which a method takes a model: the first that is for its kind, else the method's first. Of no known kind: the first. */
export function roleFor(card: Pick<MethodCard, "models">, kind: ModelKind | undefined): string {
  const fitting = card.models.find((need) => kind === undefined || need.kinds.includes(kind));
  return (fitting ?? card.models[0])?.role ?? "policy";
}

/** The models by role as another method asks for them: what has no role there stands in the first required one that it fits. */
export function rolesMoved(models: RunDraft["models"], card: Pick<MethodCard, "models">, kindOf: (id: string) => ModelKind | undefined): RunDraft["models"] {
  const fits = (need: MethodCard["models"][number], id: string): boolean => {
    const kind = kindOf(id);
    return kind === undefined || need.kinds.includes(kind);
  };
  const given = Object.entries(models).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const kept = Object.fromEntries(given.filter(([role, id]) => card.models.some((need) => need.role === role && fits(need, id))));
  for (const [, id] of given.filter(([role]) => !kept[role])) {
    const free = card.models.find((need) => need.required && !kept[need.role] && fits(need, id));
    if (free) kept[free.role] = id;
  }
  return kept;
}

/** What comes out of a training method: a reward model where the model that it is about may be one. */
export function makes(card: Pick<MethodCard, "models"> | undefined): ModelKind {
  return card?.models[0]?.kinds.includes("reward") ? "reward" : "causal";
}

/** Models that may be chosen, the ready ones first. */
export function sortModels(models: Model[]): Model[] {
  return models.toSorted((a, b) => Number(b.state === "ready") - Number(a.state === "ready") || b.created_at.localeCompare(a.created_at));
}
