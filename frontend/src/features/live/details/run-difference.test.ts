import { expect, it } from "vitest";
import type { Run } from "@/api/shapes";
import { asYaml, runDifferences } from "./run-difference";

const spec = {
  method: "grpo", seed: 0, config: { beta: 0.01, lora: { r: 8 } }, limits: { max_kl: null }, resources: { gpus: 0 },
  models: { policy: { name: "Tiny", path: "/a" } }, datasets: { train: { name: "Sums v1", split: "train", limit: null } },
  reward: { terms: [{ name: "correct", kind: "numeric_match", weight: 1, params: {} }], aggregate: "weighted_sum", on_nan: "refuse" },
  provenance: { commit: "aaa", libraries: { torch: "2.1" } },
};
const run = (change: object): Run => ({ spec: { ...spec, ...change } }) as unknown as Run;

it("finds nothing between runs that were told the same", () => expect(runDifferences(run({}), run({ output_dir: "/elsewhere" }))).toEqual([]));

it("names only what differs, settings first, and which part of a draft holds it", () => {
  const other = run({
    seed: 3, config: { beta: 0.05, lora: { r: 8 } }, models: { policy: { name: "Big", path: "/b" } },
    reward: { ...spec.reward, terms: [{ name: "correct", kind: "numeric_match", weight: 2, params: {} }] }, provenance: { commit: "bbb", libraries: { torch: "2.1" } },
  });
  expect(runDifferences(run({}), other)).toEqual([
    { key: "config.beta", mine: 0.01, theirs: 0.05, part: "config.beta" },
    { key: "models.policy", mine: "Tiny", theirs: "Big", part: "models.policy" },
    { key: "reward.correct.weight", mine: 1, theirs: 2, part: "reward" },
    { key: "seed", mine: 0, theirs: 3, part: "seed" },
    { key: "commit", mine: "aaa", theirs: "bbb", part: null },
  ]);
});

it("writes the other's values as nested YAML", () => {
  const rows = runDifferences(run({}), run({ config: { beta: 0.05, lora: { r: 16 } }, seed: 4 }));
  expect(asYaml(rows)).toBe("config:\n  beta: 0.05\n  lora:\n    r: 16\nseed: 4\n");
});
