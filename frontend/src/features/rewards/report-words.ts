/** A reward model's report in words. */

import type { Interval, RewardReport } from "@/api/shapes";
import { formatShare } from "@/ui/numbers";

/** "between 71 % and 83 % (95 %, n=200)". */
export function intervalText(interval: Interval): string {
  if (interval.low === null || interval.high === null) return "No interval";
  return `Between ${formatShare(interval.low)} and ${formatShare(interval.high)} (95 %, n=${interval.n.toLocaleString("en")})`;
}

export type ReportKind = NonNullable<RewardReport["kind"]>;

/** What a report of each kind counts. */
const COUNTED: Record<ReportKind, string> = { pairs: "pairs", rankings: "ordered pairs of ranked answers", outcome: "answers", process: "steps", regression: "graded answers" };

/** Whether a report tells which of two answers is better; the others judge answers or steps one by one. */
export function comparesAnswers(report: Pick<RewardReport, "kind">): boolean {
  return report.kind === undefined || report.kind === "pairs" || report.kind === "rankings";
}

/** Of which rows the report speaks; accuracy on rows that were trained on is no proof. */
export function pairsText(report: Pick<RewardReport, "pairs" | "split" | "held_out" | "kind">): string {
  const counted = COUNTED[report.kind ?? "pairs"];
  const pairs = `${report.pairs.toLocaleString("en")} ${counted} of ${report.split}`;
  if (report.held_out === false) return `${pairs}, which it learned from. Hold ${counted === "pairs" ? "pairs" : "rows"} back under “Evaluate on” to see how it does on new ones.`;
  return `${pairs}${report.held_out ? " that it did not train on" : ""}.${comparesAnswers(report) ? " A coin has 50 %." : ""}`;
}

const TILT = 0.05;

/**
 * Whether the model prefers length beyond what people do: the shares of pairs in which the longer answer wins, compared.
 * A difference counts that is large enough to matter and larger than two shares of so many pairs differ by chance (95 %).
 */
export function lengthVerdict(report: Pick<RewardReport, "longer_wins" | "longer_chosen" | "pairs">): string {
  const { longer_wins: wins, longer_chosen: chosen, pairs } = report;
  if (wins === null || chosen === null) return "No pair has answers of different length.";
  const chance = 1.96 * Math.sqrt((wins * (1 - wins) + chosen * (1 - chosen)) / Math.max(pairs, 1));
  const tilt = wins - chosen;
  if (Math.abs(tilt) > TILT && Math.abs(tilt) <= chance) return `Too few pairs to tell its taste for length from people's: ${formatShare(Math.abs(tilt))} of ${pairs.toLocaleString("en")} pairs may be chance.`;
  if (tilt > TILT) return "Leans to long answers more than people do.";
  if (tilt < -TILT) return "Leans to short answers more than people do.";
  return "Likes long answers about as people do.";
}
