import { expect, it } from "vitest";
import catalogue from "../../../workers/contract/catalogue.json";
import type { MethodCard } from "@/api/shapes";
import { byFamily, findMethods } from "./find-methods";

const METHODS = catalogue.methods as unknown as MethodCard[];
const slugs = (cards: MethodCard[]): string[] => cards.map((card) => card.slug);

it("finds a method by its name, its paper's number and a setting", () => {
  expect(slugs(findMethods(METHODS, { q: "GRPO" }))).toContain("grpo");
  expect(slugs(findMethods(METHODS, { q: "2305.18290" }))).toContain("dpo");
  expect(slugs(findMethods(METHODS, { q: "cliprange_value critic" }))).toEqual(expect.arrayContaining(["ppo"]));
  expect(slugs(findMethods(METHODS, { q: "iterative DPO" }))).toContain("online-dpo");
  expect(slugs(findMethods(METHODS, { q: "dpo-ppl-filter" }))).toContain("dpo");
  expect(slugs(findMethods(METHODS, { q: "perplexity filter" }))).toContain("dpo");
  expect(findMethods(METHODS, { q: "nothing is called that" })).toEqual([]);
});

it("keeps what one's data is enough for", () => {
  const found = slugs(findMethods(METHODS, { data: "preference" }));
  expect(found).toEqual(expect.arrayContaining(["dpo", "rm-bt"]));
  expect(found).not.toContain("grpo");
});

it("puts every method into one family", () => {
  const families = byFamily(METHODS);
  expect(families.flatMap((family) => family.methods)).toHaveLength(METHODS.length);
  expect(families[0]?.name).toBe("Supervised tuning");
  expect(families.at(-1)?.methods.some((card) => card.kind === "train")).toBe(false);
  expect(new Set(families.map((family) => family.name)).size).toBe(families.length);
});
