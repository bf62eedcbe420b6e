import { expect, it } from "vitest";
import type { RunDraft } from "@/api/shapes";
import { EMPTY_DRAFT, readDraft } from "./draft-document";
import { cloneText, withConfig, withLive, withTaken, withWanted } from "./starting-draft";

it("keeps the saved draft unless the address asks for another method", () => {
  expect(withWanted("method: sft\nseed: 3\n", {})).toBe("method: sft\nseed: 3\n");
  expect(readDraft(withWanted("method: sft\nseed: 3\n", { method: "grpo", model: "mdl_1" })).draft).toMatchObject({ method: "grpo", seed: 0, models: { policy: "mdl_1" } });
});

it("clones everything but name and notes", () => {
  const draft: RunDraft = { ...EMPTY_DRAFT, name: "first", notes: "x", method: "grpo", config: { beta: 0.1 } };
  expect(readDraft(cloneText(draft, "run_1")).draft).toMatchObject({ name: "", notes: "", method: "grpo", config: { beta: 0.1 }, cloned_from: "run_1" });
});

it("takes method, settings and reward from a saved config and keeps the rest", () => {
  const saved = { id: "cfg_1", method: "grpo", config: { beta: 1 }, reward: null };
  expect(readDraft(withConfig("method: sft\nmodels:\n  policy: mdl_1\n", saved)).draft).toMatchObject({ method: "grpo", config: { beta: 1 }, config_id: "cfg_1", models: { policy: "mdl_1" } });
});

it("takes the picked parts of another run, defaults included", () => {
  const other: RunDraft = { ...EMPTY_DRAFT, method: "grpo", seed: 7, config: { beta: 0.2 } };
  const text = "method: grpo\nseed: 1\nconfig:\n  beta: 0.1\n  epsilon: 0.3\n";
  expect(readDraft(withTaken(text, other, ["config.beta", "config.epsilon"])).draft).toMatchObject({ seed: 1, config: { beta: 0.2 } });
  expect(readDraft(withTaken(text, other, ["config.epsilon"])).draft.config).toEqual({ beta: 0.1 });
  expect(withTaken(text, undefined, ["seed"])).toBe(text);
});

it("clones a run as it was changed while it went", () => {
  expect(readDraft(withLive("method: grpo\nconfig:\n  beta: 0.1\n", { learning_rate: 2e-5, beta: null })).draft.config).toEqual({ beta: 0.1, learning_rate: 2e-5 });
});
