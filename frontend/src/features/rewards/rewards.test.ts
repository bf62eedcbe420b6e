import { expect, it } from "vitest";
import type { RewardPipeline } from "@/api/shapes";
import { readPipeline, samePipeline, writePipeline } from "./pipeline-text";
import { gateText, moved, termName, termText, transformText } from "./transform-words";

const PIPELINE: RewardPipeline = {
  terms: [
    { name: "correct", kind: "numeric_match", weight: 1, params: {}, transforms: [{ kind: "clip", low: 0, high: null }], gate: null, model_id: "" },
    { name: "short", kind: "length", weight: 0.2, params: { limit: 64 }, gate: { at_least: -0.5, at_most: null, otherwise: -1 } },
  ],
  aggregate: "weighted_sum", on_nan: "drop",
};

it("writes a reward as YAML and as JSON and reads the same back", () => {
  for (const as of ["yaml", "json"] as const) {
    const { pipeline, fault } = readPipeline(writePipeline(PIPELINE, as));
    expect(fault).toBeNull();
    expect(pipeline && samePipeline(pipeline, PIPELINE)).toBe(true);
  }
});

it("leaves out what says nothing", () => {
  const text = writePipeline(PIPELINE, "yaml");
  expect(text).not.toContain("model_id");
  expect(text.match(/^\s+gate:/gm)).toHaveLength(1);
});

it("gives defaults to what a short document leaves out", () => {
  expect(readPipeline("terms:\n  - kind: length\n").pipeline).toEqual({
    terms: [{ name: "length", kind: "length", weight: 1, params: {} }], aggregate: "weighted_sum", on_nan: "refuse",
  });
});

it("says where a document cannot be read", () => {
  expect(readPipeline("terms:\n  - kind: [length\n").fault?.line).toBeGreaterThan(1);
  expect(readPipeline("aggregate: min").fault?.message).toContain("terms");
  expect(readPipeline("terms: [3]").pipeline).toBeNull();
});

it("knows a changed reward from an equal one", () => {
  expect(samePipeline(PIPELINE, { ...PIPELINE, version_id: "rwv_x" })).toBe(true);
  expect(samePipeline(PIPELINE, { ...PIPELINE, on_nan: "zero" })).toBe(false);
});

it("says what happens to a term's value", () => {
  expect(PIPELINE.terms.map(termText)).toEqual(["clip 0 … ∞", "gate: at least -0.5, else -1"]);
  expect(transformText({ kind: "affine", factor: 2, offset: -1 })).toBe("2·r − 1");
  expect(transformText({ kind: "log_sigmoid", centre: 0 })).toBe("log σ(r)");
  expect(gateText({ at_least: 0, at_most: 1, otherwise: 0 })).toBe("gate: at least 0, at most 1, else 0");
});

it("moves an entry and stops at the ends", () => {
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b"], 0, -1)).toEqual(["a", "b"]);
});

it("finds a free name", () => {
  expect(termName("length", ["length", "length_2"])).toBe("length_3");
});
