import { describe, expect, it } from "vitest";
import { formatRange, parseRange, stepToX, xToStep, xValues } from "./axis";
import { Column, lowerBound, nearest } from "./column";
import { chartCsv } from "./csv";
import { padded, type Curve } from "./curve";
import { spreadLabels } from "./end-places";
import { arranged, curveLabel, groupPanels, panelTitle } from "./panels";
import { Series } from "./series";
import { strokes } from "./slots";
import { smooth } from "./smoothing";
import { durationText, durationTicks, linearTicks, logTicks, tickText, wholeTicks } from "./ticks";

function series(steps: number[]): Series {
  const value = steps.map((step) => step * 10);
  return new Series({ step: steps, time: steps.map((step) => 1000 + step * 2), tokens: steps.map((step) => step * 64), value, total: steps.length, exact: true });
}

describe("columns", () => {
  it("grow past their first room and hand out what was pushed", () => {
    const column = new Column();
    for (let i = 0; i < 1000; i += 1) column.push(i);
    expect(column.view().length).toBe(1000);
    expect(column.last()).toBe(999);
  });

  it("turn null into a gap", () => expect(new Column([1, null]).at(1)).toBeNaN());

  it("find the first value not below", () => expect(lowerBound([1, 3, 3, 7], 3)).toBe(1));

  it("find the nearest value, the earlier on a tie", () => expect([nearest([0, 10], 5), nearest([0, 10], 6), nearest([], 1)]).toEqual([0, 1, -1]));
});

describe("a series", () => {
  it("is superseded from the step at which a resumed attempt begins", () => {
    const curve = series([1, 2, 3, 4, 5]);
    curve.append({ step: 4, time: 2000, tokens: 256, value: 7 }, 2);
    expect([...curve.step.view()]).toEqual([1, 2, 3, 4]);
    expect(curve.value.last()).toBe(7);
  });

  it("keeps one point for a step that is told twice", () => {
    const curve = series([1, 2]);
    curve.append({ step: 2, time: 0, tokens: 0, value: 9 }, 1);
    expect([...curve.value.view()]).toEqual([10, 9]);
  });
});

describe("smoothing", () => {
  it("does not pull the first values towards zero", () => expect([...smooth([4, 4, 4], 0.9)].map((v) => v.toFixed(9))).toEqual(["4.000000000", "4.000000000", "4.000000000"]));

  it("weighs by hand: (0.5·1 + 0.5·3·…)", () => {
    // sums: .5, then .25+1.5=1.75; norms: .5, then .75
    expect([...smooth([1, 3], 0.5)]).toEqual([1, 1.75 / 0.75]);
  });

  it("leaves gaps as gaps and goes on after them", () => {
    const out = smooth([1, NaN, 1], 0.5);
    expect(out[1]).toBeNaN();
    expect(out[2]).toBe(1);
  });

  it("at weight zero answers the values", () => expect([...smooth([5, 1, 9], 0)]).toEqual([5, 1, 9]));
});

describe("axes", () => {
  it("count steps, seconds since the start, or tokens", () => {
    const curve = series([0, 5]);
    expect([...xValues(curve, "time", 1000)]).toEqual([0, 10]);
    expect([...xValues(curve, "tokens", 0)]).toEqual([0, 320]);
  });

  it("go from a place to the step drawn there and back", () => {
    const curve = series([0, 5, 10]);
    expect(xToStep(curve, 11, "time", 1000)).toBe(5);
    expect(stepToX(curve, 5, "tokens", 0)).toBe(320);
    expect(xToStep(curve, 5.4, "step", 0)).toBe(5);
  });

  it("read a zoom from the address and drop nonsense", () => {
    expect(parseRange("120-480")).toEqual({ from: 120, to: 480 });
    expect([parseRange("480-120"), parseRange("x"), parseRange(undefined)]).toEqual([null, null, null]);
    expect(formatRange({ from: 1, to: 2 })).toBe("1-2");
  });
});

describe("ticks", () => {
  it("are round and within the span", () => expect(linearTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]));
  it("survive steps that binary numbers cannot hold", () => expect(linearTicks(0.1, 0.3, 2)).toEqual([0.1, 0.2, 0.3]));
  it("are decades on a log axis", () => expect(logTicks(1e-3, 10)).toEqual([1e-3, 1e-2, 0.1, 1, 10]));
  it("add doubles and fives when there are few decades", () => expect(logTicks(1, 10)).toEqual([1, 2, 5, 10]));
  it("have none on an empty or non-positive span", () => expect([linearTicks(1, 1, 5), logTicks(0, 1)]).toEqual([[], []]));
  it("of time are whole minutes and hours", () => expect(durationTicks(0, 300, 5)).toEqual([0, 60, 120, 180, 240, 300]));
  it("say seconds as people do", () => expect([durationText(0), durationText(45), durationText(90), durationText(5400)]).toEqual(["0", "45s", "1m 30s", "1h 30m"]));
  it("show no more digits than they are apart", () => {
    expect([tickText(0.5, 0.1), tickText(12000, 2000), tickText(1e-5, 1e-5), tickText(-2, 1), tickText(2e6, 1e6)]).toEqual(["0.5", "12k", "1e-5", "−2", "2M"]);
  });
});

describe("an axis of steps", () => {
  it("has whole numbers only", () => {
    expect(wholeTicks(0, 2, 6)).toEqual([0, 1, 2]);
    expect(wholeTicks(5, 7.5, 6)).toEqual([5, 6, 7]);
    expect(wholeTicks(0, 60, 6)).toEqual([0, 10, 20, 30, 40, 50, 60]);
  });
  it("of nothing but zeros stands on its zero", () => expect(padded(0, 0, false)).toEqual([0, 1]));
});

describe("a flat curve with rounding in its last digit", () => {
  it("gets room as a flat one does", () => {
    const [low, high] = padded(12, 12.000000000000002, false);
    expect(high - low).toBeCloseTo(2.4, 9);
  });
  it("never asks for ticks finer than doubles can count", () => expect(linearTicks(12, 12.000000000000002, 5)).toEqual([]));
});

describe("strokes", () => {
  it("dash the second and third of a colour, grey the fourth", () => {
    expect(strokes([1, 1, 1, 1, 2]).map(({ dash, grey }) => [dash, grey])).toEqual([[[], false], [[6, 3], false], [[2, 3], false], [[], true], [[], false]]);
  });
});

describe("end labels", () => {
  it("move apart just enough", () => expect(spreadLabels([10, 12], 10, 0, 100)).toEqual([10, 20]));
  it("stay within the chart", () => expect(spreadLabels([98, 99], 10, 0, 100)).toEqual([85, 95]));
});

describe("panels", () => {
  const info = { name: "kl", title: "KL to the reference", panel: "kl", unit: "nats", better: "none" as const, help: "" };

  it("gather the terms of the reward in one chart", () => {
    const panels = groupPanels(["rewards/correct/mean", "rewards/format/mean", "rewards/format/std"], []);
    expect(panels.map((panel) => panel.metrics)).toEqual([["rewards/correct/mean", "rewards/format/mean"]]);
  });

  it("take title and section from the catalogue", () => {
    const [panel] = groupPanels(["kl"], [info]);
    expect(panel).toMatchObject({ title: "KL to the reference", section: "kl", unit: "nats" });
  });

  it("put rewards before the rest and machines last", () => {
    expect(groupPanels(["system/cpu", "zeta", "rewards/a/mean"], []).map((panel) => panel.section)).toEqual(["reward", "other", "system"]);
  });

  it("name the machine's curves and their units", () => {
    const panels = groupPanels(["system/cpu.util", "system/memory.rss", "system/gpu.0.util", "system/gpu.1.util", "system/gpu.0.memory"], []);
    expect(panels.map((panel) => [panel.title, panel.unit, panel.metrics.length])).toEqual([["CPU", "%", 1], ["GPU memory", "bytes", 1], ["GPU", "%", 2], ["Memory", "bytes", 1]]);
    expect(curveLabel("system/gpu.1.util")).toBe("GPU 1");
  });

  it("name a metric elsewhere as its chart does", () => expect([panelTitle("kl", [info]), panelTitle("eval/exact_match", [])]).toEqual(["KL to the reference", "Held-out exact match"]));

  it("name a curve by what tells it apart", () => expect([curveLabel("rewards/exact_match/mean"), curveLabel("kl", [info])]).toEqual(["exact match", "KL to the reference"]));
});

describe("a chart's file", () => {
  const curve = (label: string): Curve => ({ id: label, label, series: () => undefined, colour: "--ls-run-0", dash: [], origin: () => 0 });

  it("has a column for each curve, gaps left empty, at full precision", () => {
    const data = [[1, 2], [0.1234567891, null], [0, 0], [null, null], [null, null], [undefined, 3], [0, 0], [null, null], [null, null]];
    expect(chartCsv("step", [curve('a "b", c'), curve("=cmd")], data)).toBe('step,"a ""b"", c",\'=cmd\r\n1,0.1234567891,\r\n2,,3\r\n');
  });
});

describe("the order of charts", () => {
  const panels = groupPanels(["kl", "reward", "loss"], []);
  it("puts the chosen ones first and keeps the others' order", () => {
    const keys = panels.map((panel) => panel.key);
    const first = keys[2] as string;
    expect(arranged(panels, [first], "").map((panel) => panel.key)).toEqual([first, ...keys.filter((key) => key !== first)]);
  });
  it("finds charts by words in any order", () => expect(arranged(panels, [], "REW").map((panel) => panel.key)).toEqual(["reward"]));
});
