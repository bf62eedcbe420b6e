import { getRollouts, type Rollout } from "@/api/run";

/** The rollouts of a step, or of the nearest step before it that has any, or after it when none has. */
export async function nearestStep(runId: string, step: number, limit: number): Promise<{ step: number; items: Rollout[] }> {
  const before = await getRollouts(runId, { step_to: step, sort: "newest" }, null, limit);
  const newest = before.items[0]?.step;
  if (newest !== undefined) return { step: newest, items: before.items.filter((rollout) => rollout.step === newest) };
  const after = await getRollouts(runId, { step_from: step, sort: "newest" }, null, 200);
  const oldest = Math.min(...after.items.map((rollout) => rollout.step));
  return { step: oldest, items: after.items.filter((rollout) => rollout.step === oldest).slice(0, limit) };
}
