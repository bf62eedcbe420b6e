import { expect, it } from "vitest";
import type { Algorithms, Dataset, MethodCard, Model, RecordKind } from "@/api/shapes";
import { readDraft } from "./draft-document";
import { fittingModel, fittingSet } from "./fitting";
import { withData, withMethod } from "./starting-draft";

const set = (name: string, kind: RecordKind, created_at: string, demo = false, splits = ["train", "test"]) =>
  ({ id: name, name, kind, created_at, latest: { id: `v-${name}`, state: "ready", kind, source: demo ? { world: "arithmetic", part: name, demo: true } : {}, splits: splits.map((one) => ({ name: one, rows: 9 })) } }) as unknown as Dataset;
const model = (id: string, created_at: string, kind: Model["kind"] = "causal", state: Model["state"] = "ready") => ({ id, kind, state, created_at, is_adapter: false }) as Model;
const data = (role: string, kinds: RecordKind[], required = true) => ({ role, kinds, required, help: "" });
const part = (role: string, kinds: Model["kind"][] = ["causal"], required = true) => ({ role, kinds, required, help: "" });
const DEMO = [set("demonstrations", "demonstration", "1", true), set("rationales", "demonstration", "2", true), set("pairs", "preference", "3", true), set("problems", "prompt_answer", "4", true)];
const SFT = { slug: "sft", models: [part("policy")], data: [data("train", ["demonstration", "text"]), data("eval", ["demonstration"], false)], presets: [{ name: "demo", config: { max_steps: 5 } }] } as unknown as MethodCard;
const DPO = { slug: "dpo", models: [part("policy"), part("reference", ["causal"], false)], data: [data("train", ["preference"]), data("eval", ["preference"], false)], presets: [] } as unknown as MethodCard;
const DISTIL = { slug: "kd", models: [part("policy"), part("teacher")], data: [data("train", ["prompt", "demonstration"])], presets: [] } as unknown as MethodCard;
const GRPO = { slug: "grpo", models: [part("policy")], data: [data("train", ["prompt_answer"])], presets: [], needs_reward: true } as unknown as MethodCard;
const CATALOGUE = { methods: [SFT, DPO, DISTIL, GRPO], reward_terms: [{ kind: "numeric_match" }], worlds: [{ name: "lock", rewarded: true }, { name: "arithmetic", rewarded: false }] } as unknown as Algorithms;
const drafted = (text: string, slug: string, models: Model[], sets: Dataset[]) => withMethod(text, slug, CATALOGUE, models, sets);

it("fills in what a method needs from the demo's model and data, with the settings made for them", () => {
  expect(readDraft(drafted("", "sft", [model("tiny", "1")], DEMO)).draft).toMatchObject({
    method: "sft", models: { policy: "tiny" }, config: { max_steps: 5 },
    datasets: { train: { version_id: "v-demonstrations", split: "train" }, eval: { version_id: "v-demonstrations", split: "test" } },
  });
  expect(readDraft(drafted("", "grpo", [model("tiny", "1")], DEMO)).draft).toMatchObject({ reward: { terms: [{ kind: "numeric_match" }] }, datasets: { train: { version_id: "v-problems" } } });
});

it("replaces data that another method cannot read, and takes its reward away", () => {
  const first = drafted("", "grpo", [model("tiny", "1")], DEMO);
  const { draft } = readDraft(drafted(first, "dpo", [model("tiny", "1")], DEMO));
  expect(draft).toMatchObject({ method: "dpo", models: { policy: "tiny" }, datasets: { train: { version_id: "v-pairs" }, eval: { version_id: "v-pairs", split: "test" } } });
  expect([draft.reward ?? null, draft.models.reference]).toEqual([null, undefined]);
});

it("keeps what was chosen and fits", () => {
  const text = "method: sft\nseed: 4\nmodels:\n  policy: mine\ndatasets:\n  train:\n    version_id: v-rationales\n    split: test\nconfig:\n  max_steps: 7\n";
  expect(readDraft(drafted(text, "sft", [model("tiny", "1")], DEMO)).draft).toMatchObject({ seed: 4, models: { policy: "mine" }, config: { max_steps: 7 }, datasets: { train: { version_id: "v-rationales", split: "test" } } });
});

it("prefers people's own data to the demo's, the newest first, and leaves a role empty that nothing fits", () => {
  const need = data("train", ["text", "demonstration"]);
  expect(fittingSet(need, [...DEMO, set("old", "demonstration", "5"), set("new", "demonstration", "6")])?.name).toBe("new");
  expect(fittingSet(need, DEMO)?.name).toBe("demonstrations");
  expect(fittingSet(need, DEMO, "rationales")?.name).toBe("rationales");
  expect(fittingSet(need, [...DEMO, set("mine", "demonstration", "5")], "rationales")?.name).toBe("mine");
  const worked = { ...SFT, presets: [{ name: "demo", config: {}, part: "rationales" }] } as unknown as MethodCard;
  expect(readDraft(withMethod("", "sft", { ...CATALOGUE, methods: [worked] }, [], DEMO)).draft.datasets).toMatchObject({ train: { version_id: "v-rationales" }, eval: { version_id: "v-rationales", split: "test" } });
  expect(readDraft(drafted("", "dpo", [], [set("x", "text", "1")])).draft).toMatchObject({ models: {}, datasets: {} });
});

it("gives each role a model of its own while there are enough", () => {
  expect(readDraft(drafted("", "kd", [model("a", "1"), model("b", "2")], DEMO)).draft.models).toEqual({ policy: "b", teacher: "a" });
  expect(readDraft(drafted("", "kd", [model("a", "1")], DEMO)).draft.models).toEqual({ policy: "a", teacher: "a" });
  expect(fittingModel(part("reward", ["reward"]), [model("a", "1"), model("rm", "2", "reward", "inspecting")], [])).toBeUndefined();
});

it("lets what a run left teach the untrained, and the large teach the small", () => {
  const out = (id: string, created_at: string, parameters = 10) => ({ ...model(id, created_at), source: "run", parameters }) as Model;
  const tiny = { ...model("tiny", "1"), source: "demo", parameters: 10 } as Model;
  const roles = (models: Model[], text = "") => readDraft(drafted(text, "kd", models, DEMO)).draft.models;
  expect(roles([tiny, out("warm-up", "2"), out("grpo", "3")])).toEqual({ policy: "tiny", teacher: "grpo" });
  expect(roles([{ ...model("big", "1"), source: "hub", parameters: 99 } as Model, tiny, out("grpo", "3")])).toEqual({ policy: "tiny", teacher: "big" });
  expect(roles([tiny, out("warm-up", "2"), out("grpo", "3")], "method: sft\nmodels:\n  policy: grpo\n")).toEqual({ policy: "grpo", teacher: "warm-up" });
  expect(readDraft(drafted("", "sft", [tiny, out("grpo", "3")], DEMO)).draft.models).toEqual({ policy: "grpo" });
});

it("rewards rows of a world by the world's own gold, as long as nobody wrote another reward", () => {
  const lock = { ...set("locks", "prompt_answer", "9"), latest: { ...set("locks", "prompt_answer", "9").latest, source: { world: "lock", part: "problems" } } } as unknown as Dataset;
  const first = drafted("", "grpo", [model("tiny", "1")], DEMO);
  const chosen = { version_id: "v-locks", split: "train" };
  const moved = withData(first, chosen, lock, CATALOGUE, [...DEMO, lock]);
  expect(readDraft(moved).draft).toMatchObject({ reward: { terms: [{ kind: "world" }] }, datasets: { train: chosen } });
  expect(readDraft(withData(moved, { version_id: "v-problems", split: "train" }, DEMO[3], CATALOGUE, [...DEMO, lock])).draft.reward?.terms[0]?.kind).toBe("numeric_match");
  const own = first.replaceAll("numeric_match", "exact_match");
  expect(readDraft(withData(own, chosen, lock, CATALOGUE, [...DEMO, lock])).draft.reward?.terms[0]?.kind).toBe("exact_match");
  expect(readDraft(drafted("", "grpo", [], [lock])).draft.reward?.terms[0]?.kind).toBe("world");
});
