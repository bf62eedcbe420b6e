import { expect, it } from "vitest";
import { placed } from "./plot-scale";
import { comparesAnswers, intervalText, lengthVerdict, pairsText } from "./report-words";

it("says an interval with its size", () => {
  expect(intervalText({ value: 0.8, low: 0.712, high: 0.864, n: 1319, method: "wilson" })).toBe("Between 71.2 % and 86.4 % (95 %, n=1,319)");
  expect(intervalText({ value: null, low: null, high: null, n: 0, method: "" })).toBe("No interval");
});

it("compares the model's taste for length with people's", () => {
  expect(lengthVerdict({ pairs: 400, longer_wins: 0.7, longer_chosen: 0.5 })).toContain("long answers more than people");
  expect(lengthVerdict({ pairs: 400, longer_wins: 0.3, longer_chosen: 0.5 })).toContain("short answers more than people");
  expect(lengthVerdict({ pairs: 400, longer_wins: 0.52, longer_chosen: 0.5 })).toContain("about as people");
  expect(lengthVerdict({ pairs: 400, longer_wins: null, longer_chosen: 0.5 })).toContain("No pair");
  expect(lengthVerdict({ pairs: 33, longer_wins: 0.85, longer_chosen: 0.91 })).toContain("Too few pairs");
});

it("never calls pairs unseen that were trained on", () => {
  expect(pairsText({ pairs: 8, split: "train", held_out: false })).toContain("which it learned from");
  expect(pairsText({ pairs: 1200, split: "test", held_out: true })).toBe("1,200 pairs of test that it did not train on. A coin has 50 %.");
  expect(pairsText({ pairs: 8, split: "train" })).not.toContain("train on");
});

it("counts what a report of its kind counts, and keeps the coin to pairs", () => {
  expect(pairsText({ pairs: 30, split: "test", held_out: true, kind: "process" })).toBe("30 steps of test that it did not train on.");
  expect(pairsText({ pairs: 30, split: "train", held_out: false, kind: "outcome" })).toContain("Hold rows back");
  expect(pairsText({ pairs: 6, split: "test", held_out: true, kind: "rankings" })).toContain("ordered pairs of ranked answers of test that it did not train on. A coin");
  expect([comparesAnswers({}), comparesAnswers({ kind: "rankings" }), comparesAnswers({ kind: "regression" })]).toEqual([true, true, false]);
});

it("places a value between two ends", () => {
  expect([placed(0, 0, 1, 10, 20), placed(0.5, 0, 1, 10, 20), placed(1, 0, 1, 20, 10)]).toEqual([10, 15, 10]);
  expect(placed(3, 3, 3, 10, 20)).toBe(15);
});
