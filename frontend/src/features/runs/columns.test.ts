import { expect, it } from "vitest";
import { allColumns, chosenColumns, defaultColumns, mainMetric, nextSort } from "./columns";

const runs: { metrics: Record<string, number | null> }[] = [{ metrics: { loss: 1, "eval/exact_match": 0.5, grad_norm: 2 } }, { metrics: { reward: 0.3, kl: 0.1 } }];

it("offers a column for every metric, the main ones first", () => {
  expect(allColumns(runs).map((column) => column.id).filter((id) => id.startsWith("metric:"))).toEqual([
    "metric:reward", "metric:kl", "metric:loss", "metric:eval/exact_match", "metric:grad_norm",
  ]);
});

it("heads a metric's column with words", () => {
  const titles = Object.fromEntries(allColumns(runs).map((column) => [column.id, column.title]));
  expect([titles["metric:kl"], titles["metric:eval/exact_match"], titles["metric:reward"]]).toEqual(["KL", "Exact match", "Reward"]);
});

it("starts with the main metrics and one evaluation", () => {
  expect(defaultColumns(runs)).toContain("metric:eval/exact_match");
  expect(defaultColumns([])).toEqual(["state", "method", "progress", "curve", "tags", "age"]);
});

it("keeps the order of the address and drops what it does not know", () => {
  expect(chosenColumns(runs, ["metric:kl", "moon", "state"]).map((column) => column.id)).toEqual(["metric:kl", "state"]);
});

it("sorts down, up, then not", () => {
  expect(nextSort(undefined, "name")).toBe("-name");
  expect(nextSort("-name", "name")).toBe("name");
  expect(nextSort("name", "name")).toBeUndefined();
});

it("draws the reward, else the loss", () => {
  expect(mainMetric({ metrics: { loss: 1, reward: 2 } })).toBe("reward");
  expect(mainMetric({ metrics: {} })).toBeNull();
});
