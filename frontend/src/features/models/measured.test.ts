import { expect, it } from "vitest";
import type { EvaluationBoard } from "@/api/shapes";
import { measured } from "./measured";

const cell = (id: string, value: number, low: number | null, high: number | null) => ({ evaluation_id: id, run_id: "run", value: { value, low, high, n: 256, method: "wilson" }, best: false, partial: false, created_at: "" });
const suite = (key: string) => ({ key, name: `suite ${key}`, method: "evaluate-answers", primary: "win_rate", data_name: "Sums", split: "test" });
const BOARD = { suites: ["a", "b", "c"].map(suite), rows: [{ model_id: "mdl", model_name: "M", cells: { b: cell("e2", 0.5, 0.4, 0.6), a: cell("e1", 0.25, null, null), c: cell("e3", 1, 0.9, 1) } }] } as unknown as EvaluationBoard;

it("tells a model's newest values in the order of the suites, each with its interval", () => {
  expect(measured(BOARD, "mdl")).toEqual([
    { evaluationId: "e1", value: "0.25", suite: "suite a", help: "win rate on Sums, n=256" },
    { evaluationId: "e2", value: "0.5 (0.4–0.6)", suite: "suite b", help: "win rate on Sums, n=256" },
  ]);
});

it("tells nothing of a model that was not evaluated, or before the board is there", () => {
  expect(measured(BOARD, "other")).toEqual([]);
  expect(measured(undefined, "mdl")).toEqual([]);
});
