import { expect, it } from "vitest";
import { tellingMetrics } from "./telling-metrics";

it("puts what a checkpoint is chosen by before the rest", () => {
  const names = ["reward_std", "loss", "grad_norm", "reward", "eval/exact_match", "reward", "kl"];
  expect(tellingMetrics(names)).toEqual(["eval/exact_match", "reward", "kl", "loss"]);
  expect(tellingMetrics(["b", "a"])).toEqual(["b", "a"]);
});
