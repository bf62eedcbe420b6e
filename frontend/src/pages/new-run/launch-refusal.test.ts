import { expect, it } from "vitest";
import { launchRefusal } from "./launch-refusal";

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
