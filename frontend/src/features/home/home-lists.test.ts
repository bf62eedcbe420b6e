import { expect, it } from "vitest";
import type { RunSummary } from "@/api/shapes";
import { bestEvaluation, homeLists } from "./home-lists";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const run = (id: string, state: RunSummary["state"], finished: string | null = null, metrics: Record<string, number | null> = {}) =>
  ({ id, state, finished_at: finished, metrics }) as RunSummary;

it("sorts runs by what they ask of a person", () => {
  const lists = homeLists(
    [run("q", "queued"), run("r", "running"), run("p", "paused"), run("f", "failed", "2026-11-21T10:00:00Z"), run("old", "failed", "2026-11-01T10:00:00Z"), run("s", "succeeded", "2026-11-21T09:00:00Z")],
    NOW,
  );
  expect(lists.needs.map((one) => one.id)).toEqual(["p", "f"]);
  expect(lists.going.map((one) => one.id)).toEqual(["r", "q"]);
  expect(lists.ended.map((one) => one.id)).toEqual(["s"]);
});

it("leaves out models that wait for chats", () => {
  const chat = { ...run("chat", "running"), kind: "serve" } as RunSummary;
  expect(homeLists([chat, run("r", "running")], NOW).going.map((one) => one.id)).toEqual(["r"]);
});

it("lists what ended last first", () => {
  const lists = homeLists([run("a", "succeeded", "2026-11-21T08:00:00Z"), run("b", "cancelled", "2026-11-21T11:00:00Z")], NOW);
  expect(lists.ended.map((one) => one.id)).toEqual(["b", "a"]);
});

it("finds the best evaluation and passes over losses and missing values", () => {
  const runs = [run("a", "succeeded", null, { "eval/loss": 9, "eval/exact_match": 0.6 }), run("b", "succeeded", null, { "eval/exact_match": null })];
  expect(bestEvaluation(runs)).toMatchObject({ name: "eval/exact_match", value: 0.6, run: { id: "a" } });
  expect(bestEvaluation([])).toBeNull();
});
