import { expect, it } from "vitest";
import { doneAnew, layOut } from "./graph-layout";

const RLHF = [
  { name: "sft", needs: [] },
  { name: "sample", needs: ["sft"] },
  { name: "label", needs: ["sample"] },
  { name: "reward", needs: ["label", "sft"] },
  { name: "before", needs: ["sft"] },
  { name: "ppo", needs: ["sft", "reward"] },
];

it("puts each stage behind all it needs, and stages of one column below each other", () => {
  expect(layOut(RLHF).nodes.map((node) => [node.name, node.column, node.row])).toEqual([
    ["sft", 0, 0], ["sample", 1, 0], ["label", 2, 0], ["reward", 3, 0], ["before", 1, 1], ["ppo", 4, 0],
  ]);
  expect(layOut(RLHF)).toMatchObject({ columns: 5, rows: 2 });
});

it("draws no line that others imply", () => {
  expect(layOut(RLHF).edges.map((edge) => `${edge.from}-${edge.to}`)).toEqual(["sft-sample", "sample-label", "label-reward", "sft-before", "reward-ppo"]);
});

it("lists what a restart does anew", () => {
  expect(doneAnew(RLHF, "label")).toEqual(["label", "reward", "ppo"]);
  expect(doneAnew(RLHF, "before")).toEqual(["before"]);
});

it("draws nothing for nothing", () => {
  expect(layOut([])).toEqual({ nodes: [], edges: [], columns: 0, rows: 0 });
});
