import { expect, it } from "vitest";
import { launchRefusal, launchWaits } from "./launch-refusal";

const fine = { missing: [], sound: true, state: "done" as const, ready: true };

it("lets a checked draft go", () => {
  expect(launchRefusal(fine)).toBeNull();
});

it("says the first thing that stands in the way", () => {
  expect(launchRefusal({ ...fine, missing: ["a model", "data"] })).toBe("Choose a model, data first.");
  expect(launchRefusal({ ...fine, sound: false })).toContain("marked settings");
  expect(launchRefusal({ ...fine, state: "checking" })).toContain("under way");
  expect(launchRefusal({ ...fine, ready: false })).toContain("preflight");
});

it("does not hold a run back when the check itself failed", () => {
  expect(launchRefusal({ ...fine, state: "failed", ready: false })).toBeNull();
});

it("lets a press wait for the check, and for nothing that a person has to do", () => {
  expect(launchWaits({ ...fine, state: "checking", ready: false })).toBe(true);
  expect(launchWaits({ ...fine, state: "checking", missing: ["data"] })).toBe(false);
  expect(launchWaits({ ...fine, state: "checking", sound: false })).toBe(false);
  expect(launchWaits({ ...fine, ready: false })).toBe(false);
  expect(launchWaits(fine)).toBe(false);
});
