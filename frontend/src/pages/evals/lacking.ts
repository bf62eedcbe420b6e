import type { DatasetChoice, MethodCard } from "@/api/shapes";
import { roleTitle } from "@/features/new-run/readiness";

interface Chosen { models: string[]; dataset: DatasetChoice | undefined; others: Record<string, string>; config: Record<string, unknown>; rewarded: boolean }

/** What must be chosen before the evaluation can be launched, in a sentence; null when nothing is. */
export function lacking(card: Pick<MethodCard, "models">, chosen: Chosen): string | null {
  if (chosen.models.length === 0 || chosen.dataset === undefined) return "Choose at least one model and the data.";
  const role = card.models.slice(1).find((need) => need.required && !chosen.others[need.role])?.role;
  if (role) return `Choose the ${roleTitle(role).toLowerCase()}.`;
  return card.models.some((need) => need.role === "judge") ? lackingJudge(chosen) : null;
}

/** One judge it must be: a model, an endpoint or a reward. */
function lackingJudge({ others, config, rewarded }: Chosen): string | null {
  const judges = [others.judge && "a model", config.judge_base_url && "an endpoint", rewarded && "a reward"].filter(Boolean);
  if (judges.length === 0) return "Choose who judges: a model, an endpoint or a reward.";
  if (judges.length > 1) return `Choose one judge: ${judges.join(" and ")} cannot both judge.`;
  return config.judge_base_url && !config.judge_model ? "Say which model the judge’s endpoint is to ask." : null;
}
