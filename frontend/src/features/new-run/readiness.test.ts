import { expect, it } from "vitest";
import type { DataNeed, Dataset, MethodCard, RewardTermCard } from "@/api/shapes";
import { EMPTY_DRAFT } from "./draft-document";
import { firstReward, missingParts, needsText, termName, unfit } from "./readiness";

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

it("finds free names for terms", () => {
  expect(termName("length", ["length", "length_2"])).toBe("length_3");
});
