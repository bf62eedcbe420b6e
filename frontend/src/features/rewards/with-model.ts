/** A reward in which a trained reward model has a say. */

import type { RewardPipeline } from "@/api/shapes";
import { EMPTY_REWARD } from "./pipeline-text";
import { termName } from "./transform-words";

/** Methods whose model is asked by a term of its own; what any other trains is asked for its score. */
const TERM_OF: Record<string, string> = { "rm-orm": "outcome_reward_model", "rm-prm": "process_reward_model", "rm-ensemble": "reward_ensemble" };

/** The kind of term that asks a model which the method trained. */
export const termOf = (method: string | undefined): string => TERM_OF[method ?? ""] ?? "reward_model";

/**
 * Adds a term that asks the model, a score through a sigmoid: a policy soon finds answers far outside of what the model was
 * trained on, whose scores have no bound. A reward that asks it already stays as it is.
 */
export function withModel(reward: RewardPipeline | null, modelId: string, kind = "reward_model"): RewardPipeline {
  const terms = reward?.terms ?? [];
  if (reward && terms.some((term) => term.model_id === modelId)) return reward;
  const bounded = kind === "outcome_reward_model" || kind === "process_reward_model";
  const added = { name: termName(kind, terms.map((term) => term.name)), kind, weight: 1, params: {}, model_id: modelId, transforms: bounded ? [] : [{ kind: "sigmoid" as const, centre: 0 }] };
  return { ...(reward ?? EMPTY_REWARD), terms: [...terms, added] };
}
