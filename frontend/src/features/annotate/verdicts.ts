import type { Verdict } from "@/api/shapes";

export interface Choice { verdict: Verdict; key: string; label: string; short: string }

/** From the left to the right, each with its key. */
const CHOICES: readonly Choice[] = [
  { verdict: "a_much", key: "A", label: "A much better", short: "A much" },
  { verdict: "a", key: "a", label: "A better", short: "A" },
  { verdict: "tie", key: "t", label: "Tie", short: "Tie" },
  { verdict: "both_bad", key: "x", label: "Both bad", short: "Both bad" },
  { verdict: "b", key: "b", label: "B better", short: "B" },
  { verdict: "b_much", key: "B", label: "B much better", short: "B much" },
];

/** What a campaign lets people say. */
export function choicesOf(campaign: { allow_tie: boolean; allow_both_bad: boolean }): Choice[] {
  return CHOICES.filter(({ verdict }) => (verdict !== "tie" || campaign.allow_tie) && (verdict !== "both_bad" || campaign.allow_both_bad));
}

export function verdictWords(verdict: Verdict): string {
  return CHOICES.find((choice) => choice.verdict === verdict)?.label ?? "Skipped";
}

/** "a", "b", or empty where no side is preferred. */
export function sideOf(verdict: Verdict): "a" | "b" | "" {
  return verdict === "a" || verdict === "a_much" ? "a" : verdict === "b" || verdict === "b_much" ? "b" : "";
}
