import { xValues, type AxisMode } from "./axis";
import type { Series } from "./series";
import { smooth } from "./smoothing";

/** One line of a chart. `series` is asked at every drawing, so that points never pass through component state. */
export interface Curve {
  id: string;
  label: string;
  series: () => Series | undefined;
  /** Token of the colour, such as `--ls-run-3`. */
  colour: string;
  dash: number[];
  /** Unix seconds where the time axis of this curve begins. */
  origin: () => number;
  /** Whether the band is the value's 95 % interval, not what thinning left out. */
  interval?: boolean;
}

/** How the curves are looked at; the address holds it. */
export interface CurveView {
  axis: AxisMode;
  log: boolean;
  smoothing: number;
}

type Row = (number | null | undefined)[];

/** Rows a curve takes in the chart's table: the values, the smoothed values, the lowest and highest left out. */
export const ROWS = 4;

export type CurveTable = [xs: number[], ...rows: Row[]];

/** The curve's own table: x, values, smoothed values, low, high. */
export function curveTable(series: Series | undefined, view: CurveView, origin: number): CurveTable {
  if (!series) return [[], [], [], [], []];
  const xs = Array.from(xValues(series, view.axis, origin));
  const values = series.value.view();
  const positive = view.log;
  const smoothed = view.smoothing > 0 ? smooth(values, view.smoothing) : values;
  const band = (column: Float64Array): Row => (series.exact ? xs.map(() => null) : row(column, positive));
  return [xs, row(values, positive), row(smoothed, positive), band(series.low.view()), band(series.high.view())];
}

/** One table for curves whose points lie at different places: `undefined` where a curve has no point, `null` where it has a gap. */
export function joinTables(tables: CurveTable[]): CurveTable {
  const [first] = tables;
  if (!first) return [[]];
  if (tables.every((table) => sameValues(table[0], first[0]))) return [first[0], ...tables.flatMap(([, ...rows]) => rows)];
  const xs = [...new Set(tables.flatMap(([own]) => own))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, index) => [x, index]));
  const rows = tables.flatMap(([own, ...values]) =>
    values.map((value) => {
      const out: Row = new Array<undefined>(xs.length).fill(undefined);
      own.forEach((x, index) => (out[place.get(x) as number] = value[index]));
      return out;
    }),
  );
  return [xs, ...rows];
}

/** The edges of a curve's band at a row of the joined table; null where it has none. */
export function boundsAt(data: ArrayLike<ArrayLike<number | null | undefined>>, curve: number, index: number): [number, number] | null {
  const [low, high] = [data[curve * ROWS + 3]?.[index], data[curve * ROWS + 4]?.[index]];
  return low === null || low === undefined || high === null || high === undefined ? null : [low, high];
}

/** Room around the data; a flat line gets some so that it does not stick to an edge. */
export function padded(low: number | null, high: number | null, log: boolean): [number, number] {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return log ? [0.1, 1] : [0, 1];
  if (log) return high - low <= high * 1e-9 ? [low / 2, high * 2] : [low / 1.15, high * 1.15];
  if (low === 0 && high === 0) return [0, 1];
  if (high - low <= Math.max(Math.abs(low), Math.abs(high)) * 1e-9) {
    const room = Math.abs(low) * 0.1 || 1;
    return [low - room, high + room];
  }
  const room = (high - low) * 0.08;
  return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
}

function row(column: Float64Array, positive: boolean): Row {
  return Array.from(column, (value) => (Number.isFinite(value) && (!positive || value > 0) ? value : null));
}

function sameValues(a: number[], b: number[]): boolean {
  return a === b || (a.length === b.length && a.every((value, index) => value === b[index]));
}
