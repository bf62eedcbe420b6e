import type { Series } from "@/charts/series";
import { formatNumber } from "@/ui/numbers";

export interface Verdict {
  tone: "ok" | "warn" | "muted";
  text: string;
}

export type Trend = "rising" | "falling" | "flat" | "unknown";

const FEWEST = 8;
/** How many standard errors a slope must stand from zero to be called one. */
const SURE = 2.5;

/**
 * Least-squares slope over the newer half of a curve, called rising or falling when it stands clear of its own
 * standard error; fewer than eight points tell nothing.
 */
export function trend(values: ArrayLike<number>): Trend {
  const finite = Array.from(values).filter(Number.isFinite);
  const recent = finite.slice(-Math.max(FEWEST, Math.ceil(finite.length / 2)));
  const n = recent.length;
  if (n < FEWEST) return "unknown";
  const middle = (n - 1) / 2;
  const mean = recent.reduce((sum, value) => sum + value, 0) / n;
  const spread = (n * (n * n - 1)) / 12;
  const slope = recent.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0) / spread;
  const rest = recent.reduce((sum, value, index) => sum + (value - mean - slope * (index - middle)) ** 2, 0);
  const error = Math.sqrt(rest / (n - 2) / spread);
  if (Math.abs(slope) <= SURE * error || Math.abs(slope) * n < 1e-9) return "flat";
  return slope > 0 ? "rising" : "falling";
}

/** The sentence under a run's name, from its stored curves alone: is it well? Nothing before there is a point. */
export function verdict(curves: { reward?: Series; loss?: Series; kl?: Series }, maxKl: number | null, ended = false): Verdict {
  const main = curves.reward && curves.reward.length > 0 ? "reward" : "loss";
  const curve = curves[main];
  if (!curve || curve.length === 0) return { tone: "muted", text: "" };
  if (Number.isNaN(curve.value.last())) return { tone: "warn", text: `Watch: ${main} is not a number.` };
  const kl = klWords(curves.kl, maxKl);
  const way = trend(curve.value.view());
  const good = main === "reward" ? "rising" : "falling";
  const tail = kl.text ? `, ${kl.text}` : "";
  if (ended) return { tone: "muted", text: `Ended at ${main} ${formatNumber(curve.value.last())}${tail}.` };
  if (kl.high) return { tone: "warn", text: `Watch: ${kl.text}, near its limit; ${main} ${words(way)}.` };
  if (way === "unknown") return { tone: "muted", text: `Too early to say: ${main} ${formatNumber(curve.value.last())}${tail}.` };
  if (way === good) return { tone: "ok", text: `Healthy: ${main} ${way}${tail}.` };
  if (way === "flat") return { tone: "muted", text: `Steady: ${main} flat${tail}.` };
  return { tone: "warn", text: `Watch: ${main} ${way}${tail}.` };
}

function words(way: Trend): string {
  return way === "unknown" ? "too young to judge" : way;
}

function klWords(kl: Series | undefined, maxKl: number | null): { text: string; high: boolean } {
  const last = kl && kl.length > 0 ? kl.value.last() : NaN;
  if (Number.isNaN(last)) return { text: "", high: false };
  const text = maxKl === null ? `KL ${formatNumber(last, 3)}` : `KL ${formatNumber(last, 3)} of ${formatNumber(maxKl)}`;
  return { text, high: maxKl !== null && last > 0.8 * maxKl };
}
