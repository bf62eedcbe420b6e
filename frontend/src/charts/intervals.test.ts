import { expect, it } from "vitest";
import { chartCsv } from "./csv";
import { boundsAt, curveTable, type Curve } from "./curve";
import { withIntervals, wilson } from "./intervals";
import { groupPanels, type MetricInfo } from "./panels";
import { Series } from "./series";
import { intervalText } from "./unit";

const at = (steps: number[], value: (number | null)[]) => new Series({ step: steps, time: steps, tokens: steps, value, total: steps.length, exact: true });
const info = (name: string, share_of = ""): MetricInfo => ({ name, title: name, panel: "Evaluation", unit: "", better: "up", help: "", share_of });

it("agrees with the interval that the server tells", () => {
  // workers.statistics.wilson(76, 128) and (0, 5)
  expect(wilson(76 / 128, 128)).toEqual([expect.closeTo(0.50714, 5), expect.closeTo(0.6749, 5)]);
  expect(wilson(0, 5)).toEqual([0, expect.closeTo(0.4345, 4)]);
  expect(wilson(1, 5)[1]).toBe(1);
});

it("puts edges around each share by the count of its step, and none around a gap", () => {
  const found = withIntervals(at([0, 10, 20], [0.5, null, 1]), at([0, 10, 20], [4, 4, 400]));
  expect([found?.low.at(0), found?.high.at(0)]).toEqual([expect.closeTo(0.15, 2), expect.closeTo(0.85, 2)]);
  expect(found?.low.at(1)).toBeNaN();
  expect([found?.low.at(2), found?.high.at(2)]).toEqual([expect.closeTo(0.9905, 4), 1]);
});

it("leaves a share as it is until its counts are there", () => {
  const shares = at([0], [0.5]);
  expect(withIntervals(shares, undefined)).toBe(shares);
});

it("tells the edges in the table's words and in the file", () => {
  const curve: Curve = { id: "a", label: "Exact match", series: () => undefined, colour: "--x", dash: [], origin: () => 0, interval: true };
  const table = curveTable(withIntervals(at([0], [0.5]), at([0], [4])), { axis: "step", log: false, smoothing: 0 }, 0);
  expect(intervalText(boundsAt(table as never, 0, 0))).toBe(" (0.15–0.85)");
  expect(intervalText(null)).toBe("");
  expect(chartCsv("step", [curve], table as never)).toMatch(/^step,Exact match,Exact match low,Exact match high\r\n0,0\.5,0\.150\d+,0\.849\d+\r\n$/);
});

it("draws no chart of what shares are shares of", () => {
  const catalogue = [info("eval/exact_match", "eval/samples"), info("eval/samples")];
  expect(groupPanels(["eval/exact_match", "eval/samples"], catalogue).map((panel) => panel.key)).toEqual(["eval/exact_match"]);
  expect(groupPanels(["eval/samples"], catalogue)).toHaveLength(1);
});
