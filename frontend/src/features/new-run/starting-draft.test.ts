import { expect, it } from "vitest";
import type { MethodCard, RunDraft } from "@/api/shapes";
import { EMPTY_DRAFT, readDraft } from "./draft-document";
import { makes, rolesMoved } from "./readiness";
import { cloneText, withConfig, withLive, withTaken, withWanted } from "./starting-draft";

const need = (role: string, kinds: ("causal" | "reward")[], required = true) => ({ role, kinds, required, help: "" });
const card = (slug: string, ...models: ReturnType<typeof need>[]) => ({ slug, models }) as MethodCard;
const CARDS = [card("grpo", need("policy", ["causal"])), card("rm-bt", need("reward", ["causal", "reward"])), card("ppo", need("policy", ["causal"]), need("critic", ["causal", "reward"], false))];

it("puts the model of the address in the first role that takes its kind", () => {
  const models = (method: string, kind?: "causal" | "reward") => readDraft(withWanted("", { method, model: "mdl_1" }, CARDS, kind)).draft.models;
  expect(models("grpo", "causal")).toEqual({ policy: "mdl_1" });
  expect(models("rm-bt", "causal")).toEqual({ reward: "mdl_1" });
  expect(models("ppo", "reward")).toEqual({ critic: "mdl_1" });
  expect(models("rm-bt")).toEqual({ reward: "mdl_1" });
  expect(models("nothing-known")).toEqual({ policy: "mdl_1" });
});

it("keeps a model that another method's role can take", () => {
  const kindOf = (id: string) => (id === "rm" ? "reward" as const : "causal" as const);
  const [grpo, rm, ppo] = CARDS as [MethodCard, MethodCard, MethodCard];
  expect(rolesMoved({ policy: "a" }, rm, kindOf)).toEqual({ reward: "a" });
  expect(rolesMoved({ reward: "a" }, grpo, kindOf)).toEqual({ policy: "a" });
  expect(rolesMoved({ reward: "rm" }, grpo, kindOf)).toEqual({});
  expect(rolesMoved({ policy: "a", critic: "rm" }, ppo, kindOf)).toEqual({ policy: "a", critic: "rm" });
  expect(rolesMoved({ policy: "a", critic: "rm" }, grpo, kindOf)).toEqual({ policy: "a" });
  expect([makes(rm), makes(grpo), makes(undefined)]).toEqual(["reward", "causal", "causal"]);
});

it("keeps the saved draft unless the address asks for another method", () => {
  expect(withWanted("method: sft\nseed: 3\n", {}, CARDS)).toBe("method: sft\nseed: 3\n");
  expect(readDraft(withWanted("method: sft\nseed: 3\n", { method: "grpo", model: "mdl_1" }, CARDS)).draft).toMatchObject({ method: "grpo", seed: 0, models: { policy: "mdl_1" } });
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
