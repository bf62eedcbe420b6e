import { expect, it } from "vitest";
import type { Dataset, Model, RecipeParam } from "@/api/shapes";
import { fitting, splitFor, suggest } from "./suggest";

const param = (part: Partial<RecipeParam>) => ({ kind: "dataset", title: "T", help: "", default: null, optional: false, choices: [], rows: ["prompt_answer"], head: "causal", split: "test", ...part }) as RecipeParam;
const set = (id: string, kind: string, splits: string[]) => ({ kind, latest: { id, state: "ready", splits: splits.map((name) => ({ name })) } }) as unknown as Dataset;
const model = (id: string, kind = "causal") => ({ id, kind, state: "ready" }) as Model;

it("chooses the only data set that fits, and the split that is asked for", () => {
  const sets = [set("a", "prompt_answer", ["train", "test"]), set("b", "demonstration", ["train"])];
  expect(suggest(param({}), [], sets)).toEqual({ version_id: "a", split: "test" });
  expect(suggest(param({}), [], [...sets, set("c", "prompt_answer", ["train"])])).toBeNull();
  expect(suggest(param({ optional: true }), [], sets)).toBeNull();
  expect(fitting(param({ rows: [] }), sets)).toHaveLength(2);
});

it("chooses the only model with the right head", () => {
  expect(suggest(param({ kind: "model" }), [model("m"), model("r", "reward")], [])).toBe("m");
  expect(suggest(param({ kind: "model" }), [model("m"), model("n")], [])).toBeNull();
});

it("takes the first split where the one asked for is missing", () => {
  expect(splitFor(param({}), ["all", "more"])).toBe("all");
});
