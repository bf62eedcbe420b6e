/** A reward in which a trained reward model has a say. */

import type { RewardPipeline } from "@/api/shapes";
import { EMPTY_REWARD } from "./pipeline-text";
import { termName } from "./transform-words";

/**
 * Adds a term that asks the model, through a sigmoid: a policy soon finds answers far outside of what the model was
 * trained on, whose scores have no bound. A reward that asks it already stays as it is.
 */
export function withModel(reward: RewardPipeline | null, modelId: string): RewardPipeline {
  const terms = reward?.terms ?? [];
  if (reward && terms.some((term) => term.model_id === modelId)) return reward;
  const kind = "reward_model";
  const added = { name: termName(kind, terms.map((term) => term.name)), kind, weight: 1, params: {}, model_id: modelId, transforms: [{ kind: "sigmoid" as const, centre: 0 }] };
  return { ...(reward ?? EMPTY_REWARD), terms: [...terms, added] };
}
