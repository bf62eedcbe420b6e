import { expect, it } from "vitest";
import { bounds, halfWidth, metricTitle, pText, shortInterval, signed } from "./words";

const found = { value: 0.914, low: 0.902, high: 0.926, n: 512, method: "wilson" };

it("tells a value with half the width of its interval", () => {
  expect(shortInterval(found)).toBe("0.914 ± 0.012");
  expect(shortInterval({ ...found, value: 1, low: 0.806, high: 1 })).toBe("1 [0.806, 1]");
  expect(halfWidth({ ...found, low: null })).toBeNull();
  expect(bounds(found)).toBe("[0.902, 0.926]");
  expect(bounds({ ...found, high: null })).toBe("");
});

it("gives a difference its sign and a p value never as zero", () => {
  expect([signed(0.031), signed(-0.02), signed(0), signed(null)]).toEqual(["+0.031", "−0.02", "0", "–"]);
  expect([pText(0.04321), pText(1e-9), pText(null)]).toEqual(["0.043", "< 0.0001", "–"]);
});

it("leaves a metric it does not know as it is", () => {
  expect([metricTitle("win_rate"), metricTitle("pass@4")]).toEqual(["Win rate", "pass@4"]);
});
