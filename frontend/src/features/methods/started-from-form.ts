import type { MethodCard } from "@/api/shapes";

/** Evaluations and chats are started where their results are read; all else from the form of a new run. */
export function isStartedFromForm(card: Pick<MethodCard, "kind">): boolean {
  return card.kind === "train" || card.kind === "generate";
}
