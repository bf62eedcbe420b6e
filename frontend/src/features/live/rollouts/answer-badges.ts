import type { Answer } from "@/api/run";

export interface AnswerBadge {
  word: "cut" | "empty" | "repeats";
  why: string;
}

/** What is odd about an answer before anybody reads it. */
export function answerBadges(answer: Pick<Answer, "text" | "truncated" | "length">): AnswerBadge[] {
  const badges: AnswerBadge[] = [];
  if (answer.truncated) badges.push({ word: "cut", why: `Cut at ${answer.length} tokens before it ended.` });
  if (answer.text.trim() === "") badges.push({ word: "empty", why: "Nothing but white space." });
  if (repeats(answer.text)) badges.push({ word: "repeats", why: "More than half of its word pairs were said before." });
  return badges;
}

/** Whether most pairs of neighbouring words occur more than once; short answers are never said to repeat. */
export function repeats(text: string): boolean {
  const words = text.split(/\s+/).filter(Boolean);
  if (words.length < 12) return /(.{1,12}?)\1{5,}/su.test(text.slice(0, 400)) && text.length > 24;
  const pairs = words.slice(1).map((word, index) => `${words[index]} ${word}`);
  return 1 - new Set(pairs).size / pairs.length > 0.5;
}
