import { nearest } from "./column";
import { Series } from "./series";

const Z = 1.959963984540054;

/** Wilson's 95 % interval of a share of `n` (1927), as workers/statistics.py has it; ties may count half. */
export function wilson(share: number, n: number): [low: number, high: number] {
  const spread = (Z * Z) / n;
  const centre = (share + spread / 2) / (1 + spread);
  const half = (Z / (1 + spread)) * Math.sqrt((share * (1 - share)) / n + spread / (4 * n));
  return [share <= 0 ? 0 : Math.max(0, centre - half), share >= 1 ? 1 : Math.min(1, centre + half)];
}

/** The shares with the edges of their intervals; `counts` tells at the same steps what they are shares of. */
export function withIntervals(shares: Series | undefined, counts: Series | undefined): Series | undefined {
  if (!shares || !counts || counts.length === 0) return shares;
  const values = Array.from(shares.value.view());
  const steps = Array.from(shares.step.view());
  const edges = values.map((value, index) => {
    const n = counts.value.at(nearest(counts.step.view(), steps[index] as number));
    return Number.isFinite(value) && n > 0 ? wilson(Math.min(1, Math.max(0, value)), n) : [NaN, NaN];
  });
  const [time, tokens] = [shares.time, shares.tokens].map((column) => Array.from(column.view())) as [number[], number[]];
  const [low, high] = [0, 1].map((side) => edges.map((edge) => edge[side] as number)) as [number[], number[]];
  return new Series({ step: steps, time, tokens, value: values, low, high, total: values.length, exact: false });
}
