/** What the form starts with: the address says more than the saved draft. */

import type { AlgorithmConfig, Algorithms, Dataset, DatasetChoice, MethodCard, Model, ModelKind, RunDraft } from "@/api/shapes";
import { EMPTY_DRAFT, readDraft, writeAt, writeDraft } from "./draft-document";
import { fittingModel, fittingSet, isDemoData, knownUnfit } from "./fitting";
import { firstReward, followed, heldOut, roleFor, rolesMoved, takesReward, worldReward } from "./readiness";

export interface Wanted { method?: string; model?: string; data?: string; reward?: string }

/** The saved draft, changed by what the address names. The model stands in the first role of the method that it fits. */
export function withWanted(saved: string, wanted: Wanted, methods: MethodCard[], kind?: ModelKind): string {
  const named = Object.values(wanted).some(Boolean);
  let text = named && saved && readDraft(saved).draft.method !== wanted.method && wanted.method ? "" : saved;
  if (wanted.method) text = writeAt(text, ["method"], wanted.method);
  if (wanted.model) {
    const card = methods.find((method) => method.slug === readDraft(text).draft.method);
    text = writeAt(text, ["models", card ? roleFor(card, kind) : "policy"], wanted.model);
  }
  if (wanted.reward) text = writeAt(writeAt(text, ["reward"], undefined), ["reward_version_id"], wanted.reward);
  if (wanted.data) text = writeAt(text, ["datasets", "train"], { version_id: wanted.data, split: "train" });
  return text;
}

/** The text with the held-out rows of the data it trains on to judge by, unless it judges by something already. */
export function withHeldOut(text: string, catalogue: Algorithms, sets: Dataset[]): string {
  const { draft } = readDraft(text);
  const card = catalogue.methods.find((method) => method.slug === draft.method);
  const held = card && !draft.datasets.eval ? heldOut(card, sets.find((set) => set.latest?.id === draft.datasets.train?.version_id)) : undefined;
  return held ? writeAt(text, ["datasets", "eval"], held) : text;
}

/** The text with a first reward, when the method needs one and none is written: the world's own for a world's rows. */
export function withReward(text: string, catalogue: Algorithms, sets: Dataset[] = []): string {
  const { draft } = readDraft(text);
  const needs = catalogue.methods.find((method) => method.slug === draft.method)?.needs_reward ?? false;
  if (!needs || draft.reward || draft.reward_version_id) return text;
  const trained = sets.find((set) => set.latest?.id === draft.datasets.train?.version_id);
  const reward = worldReward(trained, catalogue.worlds) ?? firstReward(catalogue.reward_terms);
  return reward ? writeAt(text, ["reward"], reward) : text;
}

/** The text with other rows to train on: those kept back follow, and so does a reward that nobody has touched. */
export function withData(text: string, choice: DatasetChoice | undefined, set: Dataset | undefined, catalogue: Algorithms, sets: Dataset[]): string {
  const { draft } = readDraft(text);
  const card = catalogue.methods.find((method) => method.slug === draft.method);
  let next = writeAt(text, ["datasets", "train"], choice);
  if (!card || choice?.version_id === draft.datasets.train?.version_id) return next;
  next = writeAt(next, ["datasets", "eval"], followed(draft, heldOut(card, set)));
  const before = sets.find((one) => one.latest?.id === draft.datasets.train?.version_id);
  const untouched = [firstReward(catalogue.reward_terms), worldReward(before, catalogue.worlds)].some((reward) => reward !== null && sameTerms(reward, draft.reward));
  return untouched ? withReward(writeAt(next, ["reward"], undefined), catalogue, set ? [set] : []) : next;
}

function sameTerms(one: RunDraft["reward"], other: RunDraft["reward"]): boolean {
  const kinds = (reward: RunDraft["reward"]) => reward?.terms.map((term) => `${term.name} ${term.kind} ${term.weight} ${JSON.stringify(term.params ?? {})}`).join();
  return kinds(one) === kinds(other);
}

/** The text with another method: what fits it stays, what does not goes, and what it needs is filled in. */
export function withMethod(text: string, slug: string, catalogue: Algorithms, models: Model[], sets: Dataset[]): string {
  const { draft } = readDraft(text);
  const card = catalogue.methods.find((method) => method.slug === slug);
  let next = slug === draft.method ? text : writeAt(text, ["config"], undefined);
  next = writeAt(next, ["method"], slug);
  if (!card) return next;
  next = writeAt(next, ["models"], rolesMoved(draft.models, card, (id) => models.find((model) => model.id === id)?.kind));
  if (!takesReward(card)) for (const key of ["reward", "reward_version_id"]) next = writeAt(next, [key], undefined);
  return withReward(withFittings(next, card, models, sets), catalogue, sets);
}

/**
 * The text with what its method needs and nobody chose: the first ready model and data of a fitting kind for each required
 * role, held-out rows to judge by, and on the demo's data the settings made for them. What is chosen and fits stays.
 */
export function withFittings(text: string, card: MethodCard, models: Model[], sets: Dataset[]): string {
  const { draft } = readDraft(text);
  let next = text;
  const taken = { ...draft.models };
  const demo = card.presets.find((preset) => preset.name === "demo");
  const taught = card.models.some((need) => need.required && need.role === "teacher");
  for (const need of card.models.filter((one) => one.required && !taken[one.role])) {
    const found = fittingModel(need, models, Object.values(taken).filter((id) => id !== undefined), taught);
    if (!found) continue;
    taken[need.role] = found.id;
    next = writeAt(next, ["models", need.role], found.id);
  }
  for (const role of Object.keys(draft.datasets)) {
    const need = card.data.find((one) => one.role === role);
    if (!need || knownUnfit(need, draft.datasets[role], sets)) next = writeAt(next, ["datasets", role], undefined);
  }
  for (const need of card.data.filter((one) => one.required && !readDraft(next).draft.datasets[one.role]?.version_id)) {
    const set = fittingSet(need, sets, need.role === "train" ? demo?.part : undefined);
    if (!set?.latest) continue;
    const names = set.latest.splits.map((split) => split.name);
    next = writeAt(next, ["datasets", need.role], { version_id: set.latest.id, split: names.includes("train") ? "train" : (names[0] ?? "train") });
  }
  const filled = readDraft(next).draft;
  const trained = sets.find((set) => set.latest?.id === filled.datasets.train?.version_id);
  if (trained && !filled.datasets.eval) next = writeAt(next, ["datasets", "eval"], heldOut(card, trained));
  return demo && trained && isDemoData(trained) && Object.keys(filled.config).length === 0 ? writeAt(next, ["config"], demo.config) : next;
}

/** A clone starts as the run it comes from, under a name of its own. */
export function cloneText(draft: RunDraft, runId: string): string {
  return writeDraft({ ...EMPTY_DRAFT, ...draft, name: "", notes: "", cloned_from: runId });
}

/** The draft with these parts of another run's: `config.beta`, `seed`, `reward`. What the other left to its default is left to it here. */
export function withTaken(text: string, other: RunDraft | undefined, parts: string[]): string {
  if (!other) return text;
  return parts.reduce((now, part) => {
    const path = part.split(".");
    const value = path.reduce<unknown>((at, key) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined), other);
    return writeAt(now, path, value ?? undefined);
  }, text);
}

/** The draft with the settings a run has now, after what was changed while it went. */
export function withLive(text: string, live: Record<string, number | null> | undefined): string {
  return Object.entries(live ?? {}).reduce((now, [field, value]) => (value === null ? now : writeAt(now, ["config", ...field.split(".")], value)), text);
}

/** A saved config brings method, settings and reward; what else was chosen stays. */
export function withConfig(text: string, saved: Pick<AlgorithmConfig, "id" | "method" | "config" | "reward">): string {
  let next = writeAt(writeAt(text, ["method"], saved.method), ["config"], saved.config);
  if (saved.reward) next = writeAt(next, ["reward"], saved.reward);
  return writeAt(next, ["config_id"], saved.id);
}
