import type { Comparison, Interval } from "@/api/shapes";
import { formatInterval, formatNumber } from "@/ui/numbers";

const TITLES: Record<string, string> = {
  accuracy: "Accuracy", win_rate: "Win rate", reward: "Reward", length: "Answer length, tokens", truncated: "Answers cut", margin: "Margin",
  ties: "Ties", longer_wins: "Longer answer preferred", consistent: "Same verdict in both orders", first_preferred: "Answer shown first preferred",
};

/** A metric as a person reads it; what is not known stands as it is, such as pass@4. */
export function metricTitle(name: string): string {
  return TITLES[name] ?? name;
}

/** 0.914 ± 0.012: the value with half the width of its interval; 1 [0.81, 1] where it does not lie in the middle. */
export function shortInterval(found: Interval): string {
  const half = halfWidth(found);
  const off = half === null || found.value === null || found.low === null ? 0 : Math.abs(found.value - found.low - half);
  return half !== null && off > half / 4 ? `${formatNumber(found.value, 3)} ${bounds(found)}` : formatInterval(found.value, half);
}

export function halfWidth(found: Interval): number | null {
  return found.low === null || found.high === null ? null : (found.high - found.low) / 2;
}

/** [0.88, 0.94]; empty where there is no interval. */
export function bounds(found: Interval): string {
  return found.low === null || found.high === null ? "" : `[${formatNumber(found.low, 3)}, ${formatNumber(found.high, 3)}]`;
}

/** +0.031 or −0.02, with its sign. */
export function signed(value: number | null): string {
  return value === null ? formatNumber(value) : `${value > 0 ? "+" : ""}${formatNumber(value, 3)}`;
}

/** p as it is told: never 0. */
export function pText(p: number | null): string {
  return p === null ? "–" : p < 0.0001 ? "< 0.0001" : formatNumber(p, 2);
}

export const VERDICTS: Record<Comparison["verdict"], string> = { better: "above", worse: "below", undecided: "undecided", same: "equal" };

/** What the items' filter is called when nothing, or another evaluation, stands beside. */
export const SHOWN = {
  alone: [{ value: "all", label: "All" }, { value: "right", label: "Right" }, { value: "wrong", label: "Wrong" }],
  beside: [{ value: "flipped", label: "Flipped" }, { value: "gained", label: "Gained" }, { value: "lost", label: "Lost" }, { value: "all", label: "All" }],
} as const;
