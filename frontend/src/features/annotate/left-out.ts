const WORDS: Record<string, string> = { equal: "with equal sides", repeated: "that repeat another", no_pair: "without two answers" };

/** "2 with equal sides and 1 that repeats another are left out", or nothing. */
export function leftOutWords(leftOut: Record<string, number>): string {
  const parts = Object.entries(leftOut).filter(([, count]) => count > 0).map(([reason, count]) => `${count.toLocaleString("en-US")} ${WORDS[reason] ?? reason}`);
  return parts.length > 0 ? `Left out: ${parts.join(", ")}.` : "";
}

const EXPORT_WORDS: Record<string, string> = { tie: "ties", both_bad: "both bad", skip: "skips", overruled: "judgments that a resolution stands for" };

/** What an export leaves out, by reason. */
export function exportLeftOutWords(leftOut: Record<string, number>): string {
  const parts = Object.entries(leftOut).filter(([, count]) => count > 0).map(([reason, count]) => `${count.toLocaleString("en-US")} ${EXPORT_WORDS[reason] ?? reason}`);
  return parts.length > 0 ? `Left out: ${parts.join(", ")}.` : "Nothing is left out.";
}
