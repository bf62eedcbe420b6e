import { expect, it } from "vitest";
import type { DataNeed, Dataset, MethodCard, RewardTermCard } from "@/api/shapes";
import { EMPTY_DRAFT } from "./draft-document";
import { firstReward, followed, heldOut, missingParts, needsText, shortName, takesReward, unfit } from "./readiness";

const train: DataNeed = { role: "train", kinds: ["prompt_answer", "prompt"], required: true, help: "" };
const grpo = {
  slug: "grpo", needs_reward: true, models: [{ role: "policy", required: true, help: "" }],
  data: [train, { role: "eval", kinds: ["prompt_answer"], required: false, help: "" }],
} as unknown as MethodCard;

it("names what is still to choose", () => {
  expect(missingParts(EMPTY_DRAFT, undefined)).toEqual(["a method"]);
  expect(missingParts({ ...EMPTY_DRAFT, method: "grpo" }, grpo)).toEqual(["a model", "data", "a reward"]);
});

it("is content once everything required is there", () => {
  const reward = firstReward([{ kind: "numeric_match" } as RewardTermCard]);
  const draft = { ...EMPTY_DRAFT, method: "grpo", models: { policy: "mdl_1" }, datasets: { train: { version_id: "dsv_1", split: "train" } }, reward };
  expect(missingParts(draft, grpo)).toEqual([]);
});

it("tells why a data set does not fit", () => {
  const pairs = { kind: "preference", latest: { state: "ready" } } as Dataset;
  expect(unfit(train, pairs)).toBe("holds pairs");
  expect(unfit(train, { ...pairs, kind: "prompt" })).toBeNull();
  expect(needsText(grpo)).toBe("needs prompts with answers or prompts; and a reward");
});

it("asks for a reward where one may be given", () => {
  expect([[true, false], [false, true], [false, false]].map(([needs, takes]) => takesReward({ needs_reward: needs as boolean, takes_reward: takes as boolean }))).toEqual([true, true, false]);
});

const sums = { kind: "prompt_answer", latest: { id: "dsv_1", state: "ready", splits: [{ name: "train" }, { name: "test" }] } } as Dataset;

it("judges by the rows that were kept back, where there are some the method can read", () => {
  expect(heldOut(grpo, sums)).toEqual({ version_id: "dsv_1", split: "test" });
  expect(heldOut(grpo, { ...sums, kind: "prompt" })).toBeUndefined();
  expect(heldOut(grpo, { ...sums, latest: { ...sums.latest, splits: [{ name: "train" }] } } as Dataset)).toBeUndefined();
  expect(heldOut({ data: [train] }, sums)).toBeUndefined();
});

it("lets the evaluation follow the data, but not one chosen from elsewhere", () => {
  const held = { version_id: "dsv_1", split: "test" };
  const draft = (evaluation?: { version_id: string; split: string }) => ({ ...EMPTY_DRAFT, datasets: { train: { version_id: "dsv_0", split: "train" }, ...(evaluation ? { eval: evaluation } : {}) } });
  expect(followed(draft(), held)).toEqual(held);
  expect(followed(draft({ version_id: "dsv_0", split: "test" }), undefined)).toBeUndefined();
  expect(followed(draft({ version_id: "dsv_9", split: "test" }), held)?.version_id).toBe("dsv_9");
});

it("calls methods by the name people say", () => expect(["grpo", "sft-instruct", "process-reward"].map(shortName)).toEqual(["GRPO", "SFT", ""]));
