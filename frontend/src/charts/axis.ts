import { nearest } from "./column";
import type { Series } from "./series";

/** What the x axis counts: optimiser steps, seconds since the run's first point, or trained tokens. */
export type AxisMode = "step" | "time" | "tokens";

export const AXIS_MODES: readonly AxisMode[] = ["step", "time", "tokens"];

export const AXIS_LABEL: Record<AxisMode, string> = { step: "step", time: "time", tokens: "tokens" };

/** Times of a run with the pauses between attempts and sleeps kept: seconds since `origin`. */
export function xValues(series: Series, mode: AxisMode, origin: number): Float64Array {
  if (mode === "step") return series.step.view();
  if (mode === "tokens") return series.tokens.view();
  return Float64Array.from(series.time.view(), (time) => time - origin);
}

/** Where a step lies on an axis, read off a reference curve; NaN when the curve is empty. */
export function stepToX(series: Series, step: number, mode: AxisMode, origin: number): number {
  if (mode === "step") return step;
  const index = nearest(series.step.view(), step);
  return index < 0 ? NaN : (xValues(series, mode, origin)[index] as number);
}

/** The step drawn nearest to a place on an axis. */
export function xToStep(series: Series, x: number, mode: AxisMode, origin: number): number {
  if (mode === "step") return Math.round(x);
  const index = nearest(xValues(series, mode, origin), x);
  return index < 0 ? NaN : series.step.at(index);
}

/** A zoom as the address holds it: whole steps, first and last included. */
export interface StepRange {
  from: number;
  to: number;
}

/** Reads "120-480"; anything else is no zoom. */
export function parseRange(text: string | undefined): StepRange | null {
  const match = /^(\d+)-(\d+)$/.exec(text ?? "");
  if (!match) return null;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return from < to ? { from, to } : null;
}

export function formatRange(range: StepRange): string {
  return `${range.from}-${range.to}`;
}
