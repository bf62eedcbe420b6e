import type { Answer } from "@/api/run";

/** The answer worth comparing with: of another text, its reward furthest from the picked one's; the next one when all say the same. */
export function opposite(answers: Pick<Answer, "text" | "reward">[], picked: number): number | undefined {
  if (answers.length < 2) return undefined;
  const mine = answers[picked];
  const distance = (index: number): number => {
    const answer = answers[index];
    if (index === picked || !answer || answer.text === mine?.text) return -1;
    return Math.abs((answer.reward ?? 0) - (mine?.reward ?? 0));
  };
  const best = answers.reduce((found, _, index) => (distance(index) > distance(found) ? index : found), picked);
  return best === picked ? (picked + 1) % answers.length : best;
}

/** The answer after the one compared with, the picked one stepped over. */
export function nextAnswer(count: number, picked: number, other: number | undefined): number | undefined {
  if (count < 2) return undefined;
  const next = ((other ?? picked) + 1) % count;
  return next === picked ? (next + 1) % count : next;
}
