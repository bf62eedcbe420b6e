import { expect, it } from "vitest";
import { sourceOf, startingSource } from "./source-draft";

it("asks for nothing while the source is not chosen", () => expect(sourceOf(startingSource({}))).toBeNull());

it("begins with what the address names", () => {
  expect(sourceOf(startingSource({ run: "run_1", from: 10 }))).toEqual({ kind: "rollouts", run_id: "run_1", step_from: 10, step_to: undefined, per_prompt: 1 });
  expect(sourceOf(startingSource({ artifact: "art_1" }))).toEqual({ kind: "samples", artifact_ids: ["art_1"], pair: "within", per_prompt: 1 });
});

it("takes two columns and no other number of them", () => {
  const draft = startingSource({ version: "dsv_1" });
  expect(sourceOf({ ...draft, columns: "a, b" })).toMatchObject({ columns: ["a", "b"] });
  expect(sourceOf({ ...draft, columns: "a" })).toMatchObject({ columns: undefined });
});
