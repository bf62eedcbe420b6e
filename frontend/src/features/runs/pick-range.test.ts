import { expect, it } from "vitest";
import { withRange } from "./pick-range";

it("picks all rows between the last pick and this one, in either direction", () => {
  expect(withRange(["b"], ["a", "b", "c", "d"], "b", "d")).toEqual(["b", "c", "d"]);
  expect(withRange(["d"], ["a", "b", "c", "d"], "d", "c")).toEqual(["d", "c"]);
});

it("picks one row when nothing was picked before, or what was is gone", () => {
  expect(withRange([], ["a", "b"], null, "b")).toEqual(["b"]);
  expect(withRange(["x"], ["a", "b"], "x", "a")).toEqual(["x", "a"]);
});
