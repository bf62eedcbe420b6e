import { expect, it } from "vitest";
import { sparkPath } from "./spark-path";

it("runs from corner to corner", () => {
  expect(sparkPath([0, 1], 12, 13)).toBe("M1.0 11.5L11.0 1.5");
});

it("lifts the pen at a gap", () => {
  expect(sparkPath([0, null, 1], 12, 13)).toBe("M1.0 11.5M11.0 1.5");
  expect(sparkPath([null], 12, 13)).toBe("");
});
