import { expect, it } from "vitest";
import type { MethodCard } from "@/api/shapes";
import { lacking } from "./lacking";

const CARD = { models: [{ role: "policy", required: true }, { role: "policy_b", required: true }, { role: "judge", required: false }] } as MethodCard;
const WHOLE = { models: ["a"], dataset: { version_id: "d", split: "test" }, others: { policy_b: "b" } as Record<string, string>, config: {}, rewarded: true };

it("asks for models and data, then for the other model", () => {
  expect(lacking(CARD, { ...WHOLE, models: [] })).toContain("at least one model");
  expect(lacking(CARD, { ...WHOLE, dataset: undefined })).toContain("the data");
  expect(lacking(CARD, { ...WHOLE, others: {} })).toBe("Choose the second model.");
});

it("asks for one judge and no more", () => {
  expect(lacking(CARD, WHOLE)).toBeNull();
  expect(lacking(CARD, { ...WHOLE, rewarded: false })).toContain("Choose who judges");
  expect(lacking(CARD, { ...WHOLE, config: { judge_base_url: "https://x/v1" } })).toBe("Choose one judge: an endpoint and a reward cannot both judge.");
  expect(lacking(CARD, { ...WHOLE, rewarded: false, config: { judge_base_url: "https://x/v1" } })).toContain("which model");
  expect(lacking(CARD, { ...WHOLE, rewarded: false, config: { judge_base_url: "https://x/v1", judge_model: "m" } })).toBeNull();
  expect(lacking({ models: CARD.models.slice(0, 1) }, { ...WHOLE, rewarded: false })).toBeNull();
});
