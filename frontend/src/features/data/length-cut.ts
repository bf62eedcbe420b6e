import type { SplitStats } from "@/api/datasets";

/**
 * Share of rows longer than a limit, read off the histogram: bins wholly above count, the bin the limit falls into
 * counts by the part of it that lies above.
 */
export function shareCut({ edges, counts }: SplitStats["histogram"], limit: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  let above = 0;
  counts.forEach((count, index) => {
    const [low, high] = [edges[index] as number, edges[index + 1] as number];
    if (low > limit) above += count;
    else if (high > limit) above += count * ((high - limit) / (high - low));
  });
  return above / total;
}

/** The limit to start from: the least power of two (or three quarters of one) that cuts at most one row in fifty. */
export function sensibleLimit(stats: SplitStats): number {
  const longest = stats.quantiles.max ?? stats.histogram.edges.at(-1) ?? 1;
  for (let limit = 32; limit < longest; limit *= 2) {
    for (const candidate of [limit, limit * 1.5]) if (candidate < longest && shareCut(stats.histogram, candidate) <= 0.02) return candidate;
  }
  return Math.ceil(longest);
}
