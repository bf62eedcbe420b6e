import { Column, lowerBound } from "./column";

/** One curve as the server sends it; `low` and `high` bound what thinning left out. A value that is not finite is null. */
export interface SeriesPayload {
  step: number[];
  time: number[];
  tokens: number[];
  value: (number | null)[];
  low?: (number | null)[] | null;
  high?: (number | null)[] | null;
  total: number;
  exact: boolean;
}

export interface Point {
  step: number;
  time: number;
  tokens: number;
  value: number | null;
}

/** The columns of one metric of one run. */
export class Series {
  readonly step: Column;
  readonly time: Column;
  readonly tokens: Column;
  readonly value: Column;
  readonly low: Column;
  readonly high: Column;
  readonly exact: boolean;
  attempt: number;

  constructor(payload?: SeriesPayload, attempt = 0) {
    this.step = new Column(payload?.step);
    this.time = new Column(payload?.time);
    this.tokens = new Column(payload?.tokens);
    this.value = new Column(payload?.value);
    this.low = new Column(payload?.low ?? payload?.value);
    this.high = new Column(payload?.high ?? payload?.value);
    this.exact = payload?.exact ?? true;
    this.attempt = attempt;
  }

  get length(): number {
    return this.step.length;
  }

  /**
   * Adds a point. An attempt resumed from a checkpoint goes back in steps: its points supersede those at and after
   * their step. Within an attempt a repeated step takes the newer value.
   */
  append(point: Point, attempt: number): void {
    if (this.length > 0 && point.step <= this.step.last()) this.truncateFrom(point.step);
    this.attempt = attempt;
    const value = point.value ?? NaN;
    this.step.push(point.step);
    this.time.push(point.time);
    this.tokens.push(point.tokens);
    this.value.push(value);
    this.low.push(value);
    this.high.push(value);
  }

  private truncateFrom(step: number): void {
    const keep = lowerBound(this.step.view(), step);
    for (const column of [this.step, this.time, this.tokens, this.value, this.low, this.high]) column.truncate(keep);
  }
}
