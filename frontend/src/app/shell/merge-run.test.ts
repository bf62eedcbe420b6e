import { expect, it } from "vitest";
import type { RunSummary } from "@/api/shapes";
import { mergeRun, type RunPages } from "./merge-run";

const run = (id: string, step: number) => ({ id, step }) as RunSummary;
const pages: RunPages = { pages: [{ items: [run("a", 1), run("b", 1)], next: null }], pageParams: [null] };

it("replaces a run where it stands", () => {
  expect(mergeRun(pages, run("b", 7))?.pages[0]?.items.map((item) => [item.id, item.step])).toEqual([["a", 1], ["b", 7]]);
});

it("leaves pages that do not hold the run untouched", () => {
  expect(mergeRun(pages, run("c", 1))).toBe(pages);
  expect(mergeRun(undefined, run("c", 1))).toBeUndefined();
});
