import { expect, it } from "vitest";
import katex from "katex";
import catalogue from "../../../workers/contract/catalogue.json";
import { formulaLines } from "./formula-lines";

it("puts each statement on a line", () => {
  expect(formulaLines(String.raw`L = -\frac1N\sum_i x_i,\quad x_i = 2`)).toEqual([String.raw`L = -\frac1N\sum_i x_i`, "x_i = 2"]);
  expect(formulaLines("a = b")).toEqual(["a = b"]);
});

it("leaves alone what stands within braces", () => {
  const cases = String.raw`f = \begin{cases} a, \quad x > 0 \\ b, \quad x \le 0 \end{cases}`;
  expect(formulaLines(cases)).toEqual([cases]);
});

it("cuts the catalogue's formulas into lines that are formulas", () => {
  for (const { slug, formula } of catalogue.methods) {
    for (const line of formulaLines(formula)) expect(() => katex.renderToString(line, { output: "mathml" }), slug).not.toThrow();
  }
});
