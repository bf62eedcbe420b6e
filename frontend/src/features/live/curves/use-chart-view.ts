import { useMemo } from "react";
import { formatRange, parseRange, stepToX, xToStep, type AxisMode, type StepRange } from "@/charts/axis";
import type { CurveView } from "@/charts/curve";
import type { RunFeed } from "../run-feed";

/** What the address holds of the charts. */
export interface CurvesSearch {
  x?: AxisMode;
  y?: "linear" | "log";
  smooth?: number;
  zoom?: string;
  at?: number;
  over?: string[];
  /** Charts drawn wide. */
  pin?: string[];
  /** Charts that stand before the others, in this order. */
  first?: string[];
  /** Words that a chart's title or a curve's name must hold. */
  q?: string;
}

export interface ChartView {
  view: CurveView;
  zoom: StepRange | null;
  /** The zoom in units of the x axis. */
  range: [number, number] | null;
  toStep: (x: number) => number;
  toX: (step: number) => number;
  zoomText: (range: [number, number] | null) => string | undefined;
}

/** Reads the address into a view. Zooms are kept in steps, so that they hold whatever the x axis counts. */
export function useChartView(search: CurvesSearch, feed: RunFeed, reference: string | undefined, origin: number): ChartView {
  const { x = "step", y, smooth = 0, zoom: zoomed } = search;
  return useMemo(() => {
    const curve = () => (reference ? feed.series.get(reference) : undefined);
    const toStep = (at: number): number => {
      const series = curve();
      return series ? xToStep(series, at, x, origin) : Math.round(at);
    };
    const toX = (step: number): number => {
      const series = curve();
      return series ? stepToX(series, step, x, origin) : step;
    };
    const zoom = parseRange(zoomed);
    const from = zoom ? toX(zoom.from) : NaN;
    const to = zoom ? toX(zoom.to) : NaN;
    const zoomText = (range: [number, number] | null): string | undefined => {
      if (!range) return undefined;
      const steps = { from: Math.max(0, toStep(range[0])), to: toStep(range[1]) };
      return steps.to > steps.from ? formatRange(steps) : undefined;
    };
    const view: CurveView = { axis: x, log: y === "log", smoothing: Math.min(Math.max(smooth, 0), 99) / 100 };
    return { view, zoom, range: from < to ? [from, to] : null, toStep, toX, zoomText };
  }, [x, y, smooth, zoomed, feed, reference, origin]);
}
