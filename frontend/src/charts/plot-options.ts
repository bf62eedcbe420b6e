import type uPlot from "uplot";
import { ROWS, padded, type Curve, type CurveView } from "./curve";
import { faint, type PlotTheme } from "./plot-theme";
import { durationText, durationTicks, logTicks, tickText, wholeTicks } from "./ticks";
import { valueTicks, valueTickText } from "./unit";

const FONT = '11px system-ui, -apple-system, "Segoe UI", sans-serif';
const TRANSPARENT = "rgba(0,0,0,0)";

/** The four rows of each curve as uPlot wants them: a faint original, the line, and the unseen edges of the band. */
export function seriesOptions(curves: Curve[], view: CurveView, theme: PlotTheme): uPlot.Series[] {
  return curves.flatMap((curve): uPlot.Series[] => {
    const colour = theme.colour(curve.colour);
    const base = { spanGaps: false, points: { show: false } };
    const edge = { ...base, stroke: TRANSPARENT, width: 0 };
    return [
      { ...base, label: curve.id, stroke: view.smoothing > 0 ? faint(colour, 0.28) : TRANSPARENT, width: view.smoothing > 0 ? 1 : 0 },
      { ...base, label: curve.label, stroke: colour, width: 1.75, dash: curve.dash, points: { show: lonely, size: 5, fill: colour, stroke: colour } },
      edge,
      edge,
    ];
  });
}

/** A point with no neighbours would draw no line: short series show their points. */
function lonely(plot: uPlot, index: number): boolean {
  const row = plot.data[index];
  let seen = 0;
  for (const value of row ?? []) {
    if (value !== null && value !== undefined) seen += 1;
    if (seen > 12) return false;
  }
  return seen > 0;
}

/** The band between lowest and highest of what the server's thinning left out. */
export function bandOptions(curves: Curve[], theme: PlotTheme): uPlot.Band[] {
  return curves.map((curve, index) => ({
    series: [index * ROWS + 4, index * ROWS + 3] as [number, number],
    fill: faint(theme.colour(curve.colour), 0.16),
  }));
}

export function axisOptions(view: CurveView, theme: PlotTheme, unit = ""): uPlot.Axis[] {
  const shared = { stroke: theme.muted, font: FONT, ticks: { show: false }, grid: { stroke: theme.line, width: 1 } };
  return [
    {
      ...shared,
      size: 22,
      gap: 4,
      grid: { show: false },
      splits: (_, __, min, max) => (view.axis === "time" ? durationTicks(min, max, 6) : wholeTicks(min, max, 6)),
      values: (_, splits) => splits.map((value) => (view.axis === "time" ? durationText(value) : tickText(value, gapOf(splits)))),
    },
    {
      ...shared,
      size: unit === "bytes" ? 58 : 46,
      gap: 4,
      splits: (_, __, min, max) => (view.log ? logTicks(min, max) : valueTicks(min, max, 5, unit)),
      values: (_, splits) => splits.map((value) => valueTickText(value, view.log ? value : gapOf(splits), splits.at(-1) ?? 0, unit)),
    },
  ];
}

export function scaleOptions(view: CurveView, xRange: () => [number, number] | null): uPlot.Scales {
  return {
    x: { time: false, range: (plot, min, max) => xRange() ?? (plot.data[0].length === 1 ? around(plot.data[0][0] as number) : [min ?? 0, max ?? 1]) },
    y: { distr: view.log ? 3 : 1, range: (_, min, max) => padded(min, max, view.log) },
  };
}

/** A single point has a neighbour's room on either side; the library alone would give it a hundred. */
function around(x: number): [number, number] {
  return [Math.max(0, x - 1), x + 1];
}

function gapOf(splits: number[]): number {
  return splits.length > 1 ? Math.abs((splits[1] as number) - (splits[0] as number)) : Math.abs(splits[0] ?? 1);
}
