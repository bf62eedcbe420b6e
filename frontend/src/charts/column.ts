/** A growing column of numbers: appending is amortised constant, reading hands out a view without a copy. */
export class Column {
  private buffer: Float64Array;
  length: number;

  constructor(values: ArrayLike<number | null> = []) {
    this.buffer = new Float64Array(Math.max(64, values.length));
    this.length = values.length;
    for (let i = 0; i < values.length; i += 1) this.buffer[i] = values[i] ?? NaN;
  }

  push(value: number): void {
    if (this.length === this.buffer.length) {
      const wider = new Float64Array(this.buffer.length * 2);
      wider.set(this.buffer);
      this.buffer = wider;
    }
    this.buffer[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return index >= 0 && index < this.length ? (this.buffer[index] as number) : NaN;
  }

  last(): number {
    return this.at(this.length - 1);
  }

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  /** The values so far; the view is good until the next `push`. */
  view(): Float64Array {
    return this.buffer.subarray(0, this.length);
  }
}

/** First index whose value is not below `x`; the column must rise. */
export function lowerBound(values: ArrayLike<number>, x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the value nearest to `x` in a rising column, or -1 when it is empty. */
export function nearest(values: ArrayLike<number>, x: number): number {
  if (values.length === 0) return -1;
  const right = Math.min(lowerBound(values, x), values.length - 1);
  const left = Math.max(right - 1, 0);
  return Math.abs((values[left] as number) - x) <= Math.abs((values[right] as number) - x) ? left : right;
}
