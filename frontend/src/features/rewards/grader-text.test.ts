import { expect, it } from "vitest";
import { asksModel, EXAMPLE, graderFaults, readGrader } from "./grader-text";

it("reads a grader and says what is none", () => {
  expect(readGrader(EXAMPLE).grader).toMatchObject({ type: "multi" });
  expect(readGrader("").fault?.message).toContain("Paste a grader");
  expect(readGrader("[1]").fault?.message).toContain("Paste a grader");
  expect(readGrader('{\n  "type": "multi",\n  "graders": {\n').fault?.line).toBeGreaterThan(1);
});

it("knows a grader that asks a model, also within another", () => {
  expect(asksModel(readGrader(EXAMPLE).grader)).toBe(false);
  expect(asksModel({ type: "score_model" })).toBe(true);
  expect(asksModel({ type: "multi", graders: { a: { type: "string_check" }, b: { type: "score_model" } } })).toBe(true);
});

it("sets a fault at its field's line, or at the nearest that is written", () => {
  const errors = [{ field: "grader.graders.near.evaluation_metric", message: "m" }, { field: "grader.graders.near.model", message: "n" }, { field: "pipeline.terms.0.model_id", message: "o" }];
  expect(graderFaults(EXAMPLE, errors).map(({ line, field }) => [line, field])).toEqual([[5, "graders.near.evaluation_metric"], [5, "graders.near.model"], [1, "pipeline.terms.0.model_id"]]);
});
