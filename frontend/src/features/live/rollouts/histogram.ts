/** Counts of values in equal bins between the least and the greatest; one value alone gets one bin around it. */
export interface Bins {
  low: number;
  high: number;
  counts: number[];
}

export function histogram(values: number[], bins: number): Bins | null {
  if (values.length === 0) return null;
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const index = Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins));
    counts[index] = (counts[index] as number) + 1;
  }
  return { low, high, counts };
}
