import { expect, it } from "vitest";
import type { RecipeStage } from "@/api/shapes";
import { stageNote } from "./stage-note";

const stage = (part: Partial<RecipeStage>) => ({ kind: "run", state: "waiting", run: null, waits_for: [], failure: null, ...part }) as RecipeStage;
const run = { id: "run_1", name: "x", method: "grpo", state: "running", step: 30, total: 60, eta_seconds: 90, doing: "", waiting_for: "" };

it("says how far a run is and how long it takes", () => {
  expect(stageNote(stage({ state: "running", run }))).toBe("50 % · ETA 1m 30s");
  expect(stageNote(stage({ state: "running", run: { ...run, total: null, eta_seconds: null, state: "paused" } }))).toBe("paused · step 30");
  expect(stageNote(stage({ state: "running", run: { ...run, waiting_for: "a free place" } }))).toBe("waits for a free place");
});

it("says what a stage waits for, why it failed, or what it is", () => {
  expect(stageNote(stage({ waits_for: ["sft"] }))).toBe("after sft");
  expect(stageNote(stage({ waits_for: ["label", "sft"] }), [{ name: "label", title: "Annotate" }])).toBe("after Annotate, sft");
  expect(stageNote(stage({ state: "failed", failure: { code: "x", message: "The GPU is full.", remedy: "" } }))).toBe("The GPU is full.");
  expect(stageNote(stage({ kind: "campaign", state: "waits_for_people" }))).toBe("annotation");
  expect(stageNote(stage({ state: "succeeded", run }))).toBe("grpo");
});
