import { getRollouts, type Rollout } from "@/api/run";

/** The same prompt at another step: the next rollout of it, later (+1) or earlier (−1); null when there is none. */
export async function followPrompt(runId: string, from: Rollout, way: 1 | -1): Promise<Rollout | null> {
  const q = from.prompt.trim().split("\n").reduce((longest, line) => (line.length > longest.length ? line : longest), "").slice(0, 80);
  const range = way === 1 ? { step_from: from.step + 1 } : { step_to: from.step - 1 };
  if (way === -1 && from.step < 1) return null;
  const page = await getRollouts(runId, { ...range, q, sort: "newest" }, null, 200);
  const same = page.items.filter((rollout) => rollout.prompt === from.prompt).sort((a, b) => a.step - b.step || a.cursor - b.cursor);
  return (way === 1 ? same[0] : same.at(-1)) ?? null;
}
