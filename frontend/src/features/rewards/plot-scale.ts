/** `value` of `low` … `high` as a place between `from` and `to`; an empty range lands in the middle. */
export function placed(value: number, low: number, high: number, from: number, to: number): number {
  return high > low ? from + ((value - low) / (high - low)) * (to - from) : (from + to) / 2;
}
