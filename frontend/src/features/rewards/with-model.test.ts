import { expect, it } from "vitest";
import { termOf, withModel } from "./with-model";

it("asks the model in a new reward, within bounds", () => {
  const made = withModel(null, "mdl_1");
  expect(made.terms).toMatchObject([{ name: "reward_model", kind: "reward_model", weight: 1, model_id: "mdl_1", transforms: [{ kind: "sigmoid" }] }]);
});

it("adds to what is in work, once", () => {
  const work = { ...withModel(null, "mdl_1"), on_nan: "zero" as const };
  const both = withModel(work, "mdl_2");
  expect(both.terms.map((term) => [term.name, term.model_id])).toEqual([["reward_model", "mdl_1"], [both.terms[1]?.name, "mdl_2"]]);
  expect(new Set(both.terms.map((term) => term.name)).size).toBe(2);
  expect(both.on_nan).toBe("zero");
  expect(withModel(both, "mdl_1")).toBe(both);
});

it("asks a model by the term of its kind, a chance without a sigmoid", () => {
  expect([termOf("rm-bt"), termOf("rm-orm"), termOf("rm-prm"), termOf("rm-ensemble"), termOf(undefined)]).toEqual(["reward_model", "outcome_reward_model", "process_reward_model", "reward_ensemble", "reward_model"]);
  expect(withModel(null, "mdl_1", "process_reward_model").terms).toMatchObject([{ kind: "process_reward_model", transforms: [] }]);
  expect(withModel(null, "mdl_1", "reward_ensemble").terms[0]?.transforms).toHaveLength(1);
});
